import { dehydrate, HydrationBoundary } from "@tanstack/react-query";
import type { Metadata } from "next";
import { notFound } from "next/navigation";
import { RequestPanel } from "@/features/requests/request-panel";
import { manager } from "@/server/manager";

export const metadata: Metadata = { title: "Request" };

export default async function RequestPage({ params }: PageProps<"/requests/[requestId]">) {
  const { requestId } = await params;
  if (!/^[0-9a-f]{64}$/.test(requestId)) notFound();
  const { queryClient, trpc } = await manager();
  await queryClient.prefetchQuery(trpc.requests.show.queryOptions({ requestId }));
  return (
    <HydrationBoundary state={dehydrate(queryClient)}>
      <RequestPanel requestId={requestId} />
    </HydrationBoundary>
  );
}
