/** Incidents: at most one open per key; further reports of the same thing are counted and noted in it. */
import type { FeedSeverity } from "@redoubt/shared";
import { type Incident, Prisma, type PrismaClient } from "../generated/manager/client.ts";
import { indexedLengthMax, storableJson, storableText } from "./storable.ts";

/** Entries a timeline keeps; a flood of reports is counted all the same. */
const timelineMax = 200;

export interface IncidentReport {
  /** Used if this report opens an incident. */
  readonly id: string;
  readonly key: string;
  readonly kind: string;
  readonly title: string;
  readonly severity: FeedSeverity;
  readonly subject: string;
  /** Evidence as plain data; the newest replaces the one before. */
  readonly evidence: unknown;
  /** Line of the timeline. */
  readonly text: string;
  readonly at: Date;
}

export class IncidentRepository {
  readonly #client: PrismaClient;

  constructor(client: PrismaClient) {
    this.#client = client;
  }

  /** Opens an incident, or folds the report into the open one of its key. */
  async report(report: IncidentReport): Promise<{ incident: Incident; opened: boolean }> {
    const key = storableText(report.key, indexedLengthMax);
    const line = JSON.stringify([storableJson({ at: report.at, text: report.text })]);
    const evidence = JSON.stringify(storableJson(report.evidence));
    const at = report.at.getTime();
    const [row] = await this.#client.$queryRaw<{ id: string }[]>`
      INSERT INTO "Incident" ("id", "key", "openKey", "kind", "title", "severity", "state", "subject", "evidence",
                              "timeline", "openedAt", "updatedAt")
      VALUES (${report.id}, ${key}, ${key}, ${report.kind}, ${storableText(report.title)}, ${report.severity}, 'open',
              ${storableText(report.subject)}, ${evidence}::jsonb, ${line}::jsonb, to_timestamp(${at} / 1000.0),
              to_timestamp(${at} / 1000.0))
      ON CONFLICT ("openKey") DO UPDATE SET
        "count" = "Incident"."count" + 1,
        "updatedAt" = EXCLUDED."updatedAt",
        "evidence" = EXCLUDED."evidence",
        "timeline" = CASE WHEN jsonb_array_length("Incident"."timeline") < ${timelineMax}
                          THEN "Incident"."timeline" || EXCLUDED."timeline" ELSE "Incident"."timeline" END
      RETURNING "id"`;
    const id = row?.id ?? report.id;
    return { incident: await this.#client.incident.findUniqueOrThrow({ where: { id } }), opened: id === report.id };
  }

  /** Closes the open incident of the key; null when there is none. */
  async close(key: string, text: string, at: Date): Promise<Incident | null> {
    const openKey = storableText(key, indexedLengthMax);
    const line = JSON.stringify([storableJson({ at, text })]);
    const [row] = await this.#client.$queryRaw<{ id: string }[]>`
      UPDATE "Incident" SET "state" = 'closed', "openKey" = NULL, "timeline" = "timeline" || ${line}::jsonb,
             "updatedAt" = to_timestamp(${at.getTime()} / 1000.0), "closedAt" = to_timestamp(${at.getTime()} / 1000.0)
       WHERE "openKey" = ${openKey} RETURNING "id"`;
    return row === undefined ? null : this.#client.incident.findUnique({ where: { id: row.id } });
  }

  /** False when it is not open. */
  async acknowledge(id: string, by: string, at: Date): Promise<boolean> {
    const line = JSON.stringify([storableJson({ at, text: `acknowledged by ${by}` })]);
    const count = await this.#client.$executeRaw(Prisma.sql`
      UPDATE "Incident" SET "state" = 'acknowledged', "timeline" = "timeline" || ${line}::jsonb,
             "updatedAt" = to_timestamp(${at.getTime()} / 1000.0)
       WHERE "id" = ${id} AND "state" = 'open'`);
    return count === 1;
  }

  /** Newest first. */
  async list({ limit, openOnly }: { limit: number; openOnly: boolean }): Promise<Incident[]> {
    return this.#client.incident.findMany({
      ...(openOnly ? { where: { openKey: { not: null } } } : {}),
      orderBy: [{ openedAt: "desc" }, { id: "asc" }],
      take: limit,
    });
  }
}
