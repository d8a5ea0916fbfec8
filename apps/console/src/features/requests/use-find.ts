"use client";
import { useQueryClient } from "@tanstack/react-query";
import { useRouter } from "next/navigation";
import { useState } from "react";
import { problemOf } from "@/live/problem";
import { useTRPC } from "@/live/trpc";
import { onlyMatch, wantedBy } from "./find";

const lookedAt = 500;

/** Goes to what was typed; `fault` says why not. */
export function useFind(onFound?: () => void) {
  const router = useRouter();
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const [fault, setFault] = useState<string | null>(null);
  const open = (address: string) => {
    setFault(null);
    router.push(address);
    onFound?.();
  };
  const find = async (typed: string) => {
    const wanted = wantedBy(typed);
    if (wanted.kind === "request") return open(`/requests/${wanted.requestId}`);
    if (wanted.kind === "object") return open(`/state/${encodeURIComponent(wanted.object)}`);
    if (wanted.kind === "unclear") return setFault(wanted.sentence);
    try {
      const pages = await Promise.all(
        (["L3", "L2", "L1"] as const).map((log) =>
          queryClient.fetchQuery(trpc.requests.log.queryOptions({ log, limit: lookedAt })),
        ),
      );
      const found = onlyMatch(
        wanted.beginning,
        pages.flatMap(({ entries }) => entries),
      );
      if ("requestId" in found) open(`/requests/${found.requestId}`);
      else setFault(found.sentence);
    } catch (error) {
      setFault(problemOf(error).sentence);
    }
  };
  return { fault, find: (typed: string) => void find(typed), clear: () => setFault(null) };
}
