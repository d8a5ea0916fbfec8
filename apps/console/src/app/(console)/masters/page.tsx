import { dehydrate, HydrationBoundary } from "@tanstack/react-query";
import type { Metadata } from "next";
import { MastersPanel } from "@/features/masters/masters-panel";
import { manager } from "@/server/manager";

export const metadata: Metadata = { title: "Masters" };

export default async function MastersPage() {
  const { queryClient, trpc } = await manager();
  await Promise.all([
    queryClient.prefetchQuery(trpc.masters.status.queryOptions()),
    queryClient.prefetchQuery(trpc.state.placement.queryOptions()),
  ]);
  return (
    <HydrationBoundary state={dehydrate(queryClient)}>
      <MastersPanel />
    </HydrationBoundary>
  );
}
