/** Typed access to the administration interface. Its refusals become sentences for the person at the terminal. */
import type { AdministrationRouter } from "@redoubt/cluster/api";
import { createTRPCClient, httpBatchLink, TRPCClientError } from "@trpc/client";
import superjson from "superjson";
import { type Access, findCluster } from "./data-folder.ts";
import { CommandFailure } from "./failure.ts";

const REQUEST_LIMIT_MS = 60_000;

export type Administration = ReturnType<typeof createTRPCClient<AdministrationRouter>>;

export function connect(access: Access): Administration {
  return createTRPCClient<AdministrationRouter>({
    links: [
      httpBatchLink({
        url: `${access.url}/trpc`,
        transformer: superjson,
        headers: { authorization: `Bearer ${access.token}` },
        fetch: (input, init) =>
          fetch(input, { ...(init as RequestInit), signal: AbortSignal.timeout(REQUEST_LIMIT_MS) }),
      }),
    ],
  });
}

/** Runs work against the cluster of a data folder. */
export async function administer<Value>(
  data: string,
  work: (administration: Administration, access: Access) => Promise<Value>,
): Promise<Value> {
  const access = findCluster(data);
  try {
    return await work(connect(access), access);
  } catch (error) {
    if (error instanceof CommandFailure) throw error;
    throw new CommandFailure(explain(error, access));
  }
}

function explain(error: unknown, access: Access): string {
  if (!(error instanceof TRPCClientError)) return error instanceof Error ? error.message : String(error);
  if (error.data === undefined || error.data === null) {
    return `the configuration manager at ${access.url} does not answer (${error.message}); is the cluster running? redoubt up --data ${access.data}`;
  }
  return issuesIn(error.message) ?? error.message;
}

/** Input errors arrive as a list of issues; each names its field. */
function issuesIn(message: string): string | undefined {
  try {
    const issues = JSON.parse(message) as { path: (string | number)[]; message: string }[];
    return issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("; ");
  } catch {
    return undefined;
  }
}
