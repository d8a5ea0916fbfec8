import { dehydrate, HydrationBoundary } from "@tanstack/react-query";
import type { Metadata } from "next";
import { NodesPanel } from "@/features/nodes/nodes-panel";
import { manager } from "@/server/manager";

export const metadata: Metadata = { title: "Nodes" };

export default async function NodesPage() {
  const { queryClient, trpc } = await manager();
  await queryClient.prefetchQuery(trpc.cluster.nodes.queryOptions());
  return (
    <HydrationBoundary state={dehydrate(queryClient)}>
      <NodesPanel />
    </HydrationBoundary>
  );
}
