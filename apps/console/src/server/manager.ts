/**
 * The manager as a page's first paint asks it: typed, with the token of the person who looks. Failed answers are simply not in the
 * cache; the browser then asks by itself and shows what is wrong, so a page never fails because the manager is moving.
 */
import type { AdministrationRouter } from "@redoubt/cluster/api";
import { createTRPCClient, httpLink } from "@trpc/client";
import { createTRPCOptionsProxy } from "@trpc/tanstack-react-query";
import { headers } from "next/headers";
import { redirect } from "next/navigation";
import { cache } from "react";
import superjson from "superjson";
import { makeQueryClient } from "../live/query-client";
import { managerToken } from "./auth";
import { managerUrl } from "./endpoints";

const answerTimeoutMs = 4000;
/** Reserved port: a call without a manager fails at once. */
const nowhere = "http://127.0.0.1:9";

export const manager = cache(async () => {
  const [token, url] = await Promise.all([headers().then(managerToken), managerUrl()]);
  if (token === null) redirect("/login");
  const queryClient = makeQueryClient();
  const client = createTRPCClient<AdministrationRouter>({
    links: [
      httpLink({
        url: `${url ?? nowhere}/trpc`,
        transformer: superjson,
        headers: { authorization: `Bearer ${token}` },
        fetch: (input, init) =>
          fetch(input, { ...(init as RequestInit), cache: "no-store", signal: AbortSignal.timeout(answerTimeoutMs) }),
      }),
    ],
  });
  return { queryClient, client, trpc: createTRPCOptionsProxy<AdministrationRouter>({ client, queryClient }) };
});
