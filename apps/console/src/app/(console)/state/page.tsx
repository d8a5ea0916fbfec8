import { dehydrate, HydrationBoundary } from "@tanstack/react-query";
import type { Metadata } from "next";
import { objectsInput, readSearch, versionsInput } from "@/features/state/search";
import { StatePanel } from "@/features/state/state-panel";
import { manager } from "@/server/manager";

export const metadata: Metadata = { title: "State" };

export default async function StatePage({ searchParams }: PageProps<"/state">) {
  const { queryClient, trpc } = await manager();
  const given = Object.entries(await searchParams).filter(
    (entry): entry is [string, string] => typeof entry[1] === "string",
  );
  const search = readSearch(new URLSearchParams(given));
  const { request: requestId } = search;
  await Promise.all([
    search.show === "objects"
      ? queryClient.prefetchQuery(trpc.state.list.queryOptions(objectsInput(search)))
      : queryClient.prefetchQuery(trpc.state.versions.queryOptions(versionsInput(search))),
    requestId !== "" && queryClient.prefetchQuery(trpc.requests.show.queryOptions({ requestId })),
  ]);
  return (
    <HydrationBoundary state={dehydrate(queryClient)}>
      <StatePanel />
    </HydrationBoundary>
  );
}
