import { dehydrate, HydrationBoundary } from "@tanstack/react-query";
import type { Metadata } from "next";
import { logInput, readLogName } from "@/features/requests/log";
import { RequestsPanel } from "@/features/requests/requests-panel";
import { manager } from "@/server/manager";

export const metadata: Metadata = { title: "Requests" };

export default async function RequestsPage({ searchParams }: PageProps<"/requests">) {
  const { log } = await searchParams;
  const { queryClient, trpc } = await manager();
  await queryClient.prefetchQuery(trpc.requests.log.queryOptions(logInput(readLogName(log))));
  return (
    <HydrationBoundary state={dehydrate(queryClient)}>
      <RequestsPanel />
    </HydrationBoundary>
  );
}
