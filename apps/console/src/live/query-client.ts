/** Settings of the query cache, the same for the server's first paint and for the browser. */
import { QueryClient } from "@tanstack/react-query";

/** Events of the feed say when something changed, so what is cached stays good until then. */
const freshForMs = 30_000;

export function makeQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: { queries: { staleTime: freshForMs, retry: 1, refetchOnWindowFocus: true } },
  });
}
