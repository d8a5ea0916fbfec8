import { dehydrate, HydrationBoundary } from "@tanstack/react-query";
import type { Metadata } from "next";
import { AlertsPanel } from "@/features/alerts/alerts-panel";
import { deliveriesInput } from "@/features/alerts/inputs";
import { manager } from "@/server/manager";

export const metadata: Metadata = { title: "Alerts" };

export default async function AlertsPage() {
  const { queryClient, trpc } = await manager();
  await Promise.all([
    queryClient.prefetchQuery(trpc.subscriptions.list.queryOptions()),
    queryClient.prefetchQuery(trpc.subscriptions.deliveries.queryOptions(deliveriesInput)),
  ]);
  return (
    <HydrationBoundary state={dehydrate(queryClient)}>
      <AlertsPanel />
    </HydrationBoundary>
  );
}
