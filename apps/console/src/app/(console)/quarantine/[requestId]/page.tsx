import { dehydrate, HydrationBoundary } from "@tanstack/react-query";
import type { Metadata } from "next";
import { notFound } from "next/navigation";
import { ItemPanel } from "@/features/quarantine/item-panel";
import { manager } from "@/server/manager";

export const metadata: Metadata = { title: "Quarantined request" };

export default async function QuarantineItemPage({ params }: PageProps<"/quarantine/[requestId]">) {
  const { requestId } = await params;
  if (!/^[0-9a-f]{64}$/.test(requestId)) notFound();
  const { queryClient, trpc } = await manager();
  await queryClient.prefetchQuery(trpc.quarantine.item.queryOptions({ requestId }));
  return (
    <HydrationBoundary state={dehydrate(queryClient)}>
      <ItemPanel requestId={requestId} />
    </HydrationBoundary>
  );
}
