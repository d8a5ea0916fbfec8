import { dehydrate, HydrationBoundary } from "@tanstack/react-query";
import type { Metadata } from "next";
import { ObjectPanel } from "@/features/state/object-panel";
import { historyInput, readPlace } from "@/features/state/place";
import { manager } from "@/server/manager";

export const metadata: Metadata = { title: "Object" };

export default async function ObjectPage({ params, searchParams }: PageProps<"/state/[object]">) {
  const object = decodeURIComponent((await params).object);
  const { queryClient, trpc } = await manager();
  const { before } = await searchParams;
  const place = readPlace(new URLSearchParams(typeof before === "string" ? { before } : {}));
  await queryClient.prefetchQuery(trpc.state.show.queryOptions(historyInput(object, place.before)));
  return (
    <HydrationBoundary state={dehydrate(queryClient)}>
      <ObjectPanel object={object} />
    </HydrationBoundary>
  );
}
