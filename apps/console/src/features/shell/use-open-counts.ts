"use client";
import { useQuery } from "@tanstack/react-query";
import { useTRPC } from "@/live/trpc";
import { openIncidentsInput, undecidedInput } from "./open-counts";

/** How much waits for a person, per page. */
export function useOpenCounts(): Record<string, number | undefined> {
  const trpc = useTRPC();
  const quarantine = useQuery(trpc.quarantine.list.queryOptions(undecidedInput));
  const incidents = useQuery(trpc.incidents.list.queryOptions(openIncidentsInput));
  return { "/quarantine": quarantine.data?.total, "/incidents": incidents.data?.length };
}
