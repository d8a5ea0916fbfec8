import { dehydrate, HydrationBoundary } from "@tanstack/react-query";
import type { Metadata } from "next";
import { ApplicationsPanel } from "@/features/applications/applications-panel";
import { manager } from "@/server/manager";

export const metadata: Metadata = { title: "Applications" };

export default async function ApplicationsPage() {
  const { queryClient, trpc } = await manager();
  await queryClient.prefetchQuery(trpc.applications.status.queryOptions());
  return (
    <HydrationBoundary state={dehydrate(queryClient)}>
      <ApplicationsPanel />
    </HydrationBoundary>
  );
}
