import { dehydrate, HydrationBoundary } from "@tanstack/react-query";
import type { Metadata } from "next";
import { DegreesPanel } from "@/features/degrees/degrees-panel";
import { manager } from "@/server/manager";

export const metadata: Metadata = { title: "Replication degrees" };

export default async function DegreesPage() {
  const { queryClient, trpc } = await manager();
  await queryClient.prefetchQuery(trpc.degrees.list.queryOptions());
  return (
    <HydrationBoundary state={dehydrate(queryClient)}>
      <DegreesPanel />
    </HydrationBoundary>
  );
}
