import { dehydrate, HydrationBoundary } from "@tanstack/react-query";
import type { Metadata } from "next";
import { IncidentsPanel } from "@/features/incidents/incidents-panel";
import { incidentsInput } from "@/features/incidents/inputs";
import { manager } from "@/server/manager";

export const metadata: Metadata = { title: "Incidents" };

export default async function IncidentsPage() {
  const { queryClient, trpc } = await manager();
  await queryClient.prefetchQuery(trpc.incidents.list.queryOptions(incidentsInput));
  return (
    <HydrationBoundary state={dehydrate(queryClient)}>
      <IncidentsPanel />
    </HydrationBoundary>
  );
}
