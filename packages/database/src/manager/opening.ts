/**
 * What a manager reads when it starts, at once and without Prisma, whose engine computes for a third of a second before
 * its first query: until this is read, people wait. Read only; whatever is missing is the repositories' to make.
 */
import pg from "pg";
import { type FeedRange, SOURCE } from "./feed.ts";

const connectTimeoutMs = 10_000;

export interface ManagerOpening {
  readonly degrees: readonly { readonly component: string; readonly wanted: number }[];
  /** Changes of degrees that were being carried out. */
  readonly plansRunning: number;
  /** Those that may call. */
  readonly clients: readonly {
    readonly id: string;
    readonly name: string;
    readonly keyHash: string;
    readonly roles: readonly string[];
  }[];
  readonly settings: ReadonlyMap<string, unknown>;
  readonly feed: FeedRange;
  /** Of the newest events: see FeedRepository.newestSources. */
  readonly newestSources: ReadonlySet<string>;
}

/**
 * @param sourcesMax of how many of the newest events the sources are read
 * @throws an error of the connection when the database is away
 */
export async function readManagerOpening(url: string, sourcesMax: number): Promise<ManagerOpening> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: connectTimeoutMs });
  client.on("error", () => undefined); // reaches us through the query
  await client.connect();
  const rows = async <Row extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> =>
    (await client.query<Row>(text, values)).rows;
  try {
    const degrees = await rows<ManagerOpening["degrees"][number]>(`SELECT component, wanted FROM "Degree"`);
    const plans = await rows(`SELECT 1 FROM "DegreePlan" WHERE state = 'running'`);
    const clients = await rows<ManagerOpening["clients"][number]>(
      `SELECT id, name, "keyHash", roles FROM "Client" WHERE "revokedAt" IS NULL ORDER BY name`,
    );
    const settings = await rows<{ key: string; value: unknown }>(`SELECT key, value FROM "ClusterSetting"`);
    const [range] = await rows<{ oldest: string | null; latest: string | null }>(
      `SELECT min(number) AS oldest, max(number) AS latest FROM "FeedEvent"`,
    );
    const sources = await rows<{ source: string | null }>(
      `SELECT payload ->> $1 AS source FROM "FeedEvent" ORDER BY number DESC LIMIT $2`,
      [SOURCE, sourcesMax],
    );
    return {
      degrees,
      plansRunning: plans.length,
      clients,
      settings: new Map(settings.map(({ key, value }) => [key, value])),
      feed: { oldest: Number(range?.oldest ?? 0), latest: Number(range?.latest ?? 0) },
      newestSources: new Set(sources.flatMap(({ source }) => source ?? [])),
    };
  } finally {
    await client.end().catch(() => undefined);
  }
}
