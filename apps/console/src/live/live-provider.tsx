"use client";
/** One subscription layer for the whole console: the query cache, the tRPC client and the feed, joined. */
import type { AdministrationRouter } from "@redoubt/cluster/api";
import { type QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createTRPCClient, httpBatchLink } from "@trpc/client";
import { createContext, type ReactNode, useContext, useEffect, useState, useSyncExternalStore } from "react";
import superjson from "superjson";
import { LiveConnection, type LiveStart, type LiveState } from "./connection";
import { type Subject, touchedBy, touchedByTraffic } from "./invalidation";
import { makeQueryClient } from "./query-client";
import { TRPCProvider } from "./trpc";

const Live = createContext<LiveConnection | null>(null);

/** Events come in bursts; one refetch per burst is enough. */
const gatherMs = 120;
const urlLengthMax = 4000;

export interface LiveProviderProps {
  initial: LiveStart;
  children: ReactNode;
}

export function LiveProvider({ initial, children }: LiveProviderProps) {
  const [{ queryClient, trpcClient, connection }] = useState(() => wire(initial));
  useEffect(() => connection.start(), [connection]);
  return (
    <QueryClientProvider client={queryClient}>
      <TRPCProvider trpcClient={trpcClient} queryClient={queryClient}>
        <Live value={connection}>{children}</Live>
      </TRPCProvider>
    </QueryClientProvider>
  );
}

function wire(initial: LiveProviderProps["initial"]) {
  const queryClient = makeQueryClient();
  const trpcClient = createTRPCClient<AdministrationRouter>({
    links: [httpBatchLink({ url: "/api/trpc", transformer: superjson, maxURLLength: urlLengthMax })],
  });
  const refresh = gatheredInvalidation(queryClient);
  const connection = new LiveConnection(initial, {
    onEvents: (events) => refresh(events.flatMap((event) => touchedBy[event.kind])),
    onProgress: () => refresh(touchedByTraffic),
    onResynchronise: () => void queryClient.invalidateQueries(),
  });
  return { queryClient, trpcClient, connection };
}

function gatheredInvalidation(queryClient: QueryClient): (subjects: readonly Subject[]) => void {
  const waiting = new Set<Subject>();
  let timer: ReturnType<typeof setTimeout> | null = null;
  const flush = () => {
    timer = null;
    const subjects = new Set(waiting);
    waiting.clear();
    void queryClient.invalidateQueries({
      predicate: ({ queryKey }) => Array.isArray(queryKey[0]) && subjects.has(queryKey[0][0]),
    });
  };
  return (subjects) => {
    for (const subject of subjects) waiting.add(subject);
    if (waiting.size > 0 && timer === null) timer = setTimeout(flush, gatherMs);
  };
}

export function useLive(): LiveState {
  const connection = useContext(Live);
  if (connection === null) throw new Error("useLive is used outside LiveProvider");
  return useSyncExternalStore(connection.subscribe, connection.state, connection.state);
}
