/** The audit log: an entry is durable before the action it records may begin (I12). */
import type { AuditRow } from "@redoubt/database";
import type { AdministrationPort, AuditEntry } from "../../administration/index.ts";
import type { PortParts } from "./parts.ts";

type AuditPart = Pick<AdministrationPort, "audit" | "auditList" | "auditVerify">;

export function auditPart({ database, feed }: PortParts): AuditPart {
  return {
    async audit({ actor, action, subject, reason, detail }) {
      const row = await database.answering((store) =>
        store.audit.append({
          at: new Date(),
          actor: actor.name,
          role: actor.role,
          via: actor.via,
          action,
          subject,
          reason,
          detail,
        }),
      );
      void feed.record({
        kind: "audit.appended",
        severity: "info",
        entry: Number(row.sequence),
        actor: actor.name.slice(0, 200),
        action,
        subject: subject.slice(0, 200) || "cluster",
      });
      return toEntry(row);
    },
    async auditList({ limit, before }) {
      const [rows, total] = await database.answering((store) =>
        Promise.all([
          store.audit.list({ limit, before: before === undefined ? undefined : BigInt(before) }),
          store.audit.count(),
        ]),
      );
      return { asOf: new Date().toISOString(), total, entries: rows.map(toEntry) };
    },
    async auditVerify() {
      const { intact, entries, firstBad, sentence } = await database.answering((store) => store.audit.verify());
      const firstBadEntry = firstBad === null ? null : Number(firstBad);
      return { at: new Date().toISOString(), intact, entries, firstBadEntry, sentence };
    },
  };
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

function toEntry(row: AuditRow): AuditEntry {
  const { sequence, at, actor, role, via, action, subject, reason, detail, previousHash, hash } = row;
  return {
    number: Number(sequence),
    at: at.toISOString(),
    actor,
    role,
    via: via === "console" ? "console" : "local",
    action,
    subject,
    reason,
    detail,
    previousHash: hex(previousHash),
    hash: hex(hash),
  };
}
