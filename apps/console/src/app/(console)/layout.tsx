import { dehydrate, HydrationBoundary } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { ConnectionBanner } from "@/features/shell/connection-banner";
import { openIncidentsInput, undecidedInput } from "@/features/shell/open-counts";
import { Sidebar } from "@/features/shell/sidebar";
import { TopBar } from "@/features/shell/top-bar";
import { LiveProvider } from "@/live/live-provider";
import { manager } from "@/server/manager";
import { requirePerson } from "@/server/session";

const eventsAtFirstPaint = 60;

export default async function ConsoleLayout({ children }: { children: ReactNode }) {
  const person = await requirePerson();
  const { client, queryClient, trpc } = await manager();
  // The feed's position first: whatever the later answers miss, the live subscription brings.
  const traffic = client.cluster.traffic.query().catch(() => null);
  const recent = await client.cluster.events
    .query({ limit: eventsAtFirstPaint })
    .catch(() => ({ latest: null, events: [] }));
  await Promise.all([
    queryClient.prefetchQuery(trpc.cluster.status.queryOptions()),
    queryClient.prefetchQuery(trpc.cluster.whoAmI.queryOptions()),
    queryClient.prefetchQuery(trpc.quarantine.list.queryOptions(undecidedInput)),
    queryClient.prefetchQuery(trpc.incidents.list.queryOptions(openIncidentsInput)),
  ]);
  return (
    <LiveProvider initial={{ ...recent, traffic: await traffic }}>
      <HydrationBoundary state={dehydrate(queryClient)}>
        <a
          href="#content"
          className="sr-only focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:z-50 focus:rounded-md focus:bg-surface focus:px-3 focus:py-2"
        >
          Skip to content
        </a>
        <div className="lg:grid lg:grid-cols-[auto_minmax(0,1fr)]">
          <Sidebar />
          <div className="min-w-0">
            <TopBar person={person} />
            <ConnectionBanner />
            <main id="content" className="mx-auto w-full max-w-[1480px] px-4 py-6 sm:px-6">
              {children}
            </main>
          </div>
        </div>
      </HydrationBoundary>
    </LiveProvider>
  );
}
