import { dehydrate, HydrationBoundary } from "@tanstack/react-query";
import type { Metadata } from "next";
import { listInput } from "@/features/state/inputs";
import { StatePanel } from "@/features/state/state-panel";
import { manager } from "@/server/manager";

export const metadata: Metadata = { title: "State" };

export default async function StatePage({ searchParams }: PageProps<"/state">) {
  const { queryClient, trpc } = await manager();
  const { prefix } = await searchParams;
  await queryClient.prefetchQuery(trpc.state.list.queryOptions(listInput(typeof prefix === "string" ? prefix : "")));
  return (
    <HydrationBoundary state={dehydrate(queryClient)}>
      <StatePanel />
    </HydrationBoundary>
  );
}
