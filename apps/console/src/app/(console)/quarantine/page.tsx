import { dehydrate, HydrationBoundary } from "@tanstack/react-query";
import type { Metadata } from "next";
import { listInput, readFilters } from "@/features/quarantine/filters";
import { QuarantinePanel } from "@/features/quarantine/quarantine-panel";
import { manager } from "@/server/manager";

export const metadata: Metadata = { title: "Quarantine" };

export default async function QuarantinePage({ searchParams }: PageProps<"/quarantine">) {
  const { queryClient, trpc } = await manager();
  const given = Object.entries(await searchParams).filter(
    (entry): entry is [string, string] => typeof entry[1] === "string",
  );
  const filters = readFilters(new URLSearchParams(given));
  await queryClient.prefetchQuery(trpc.quarantine.list.queryOptions(listInput(filters)));
  return (
    <HydrationBoundary state={dehydrate(queryClient)}>
      <QuarantinePanel />
    </HydrationBoundary>
  );
}
