import { dehydrate, HydrationBoundary } from "@tanstack/react-query";
import type { Metadata } from "next";
import { ObjectPanel } from "@/features/state/object-panel";
import { manager } from "@/server/manager";

export const metadata: Metadata = { title: "Object" };

export default async function ObjectPage({ params }: PageProps<"/state/[object]">) {
  const object = decodeURIComponent((await params).object);
  const { queryClient, trpc } = await manager();
  await queryClient.prefetchQuery(trpc.state.show.queryOptions({ object }));
  return (
    <HydrationBoundary state={dehydrate(queryClient)}>
      <ObjectPanel object={object} />
    </HydrationBoundary>
  );
}
