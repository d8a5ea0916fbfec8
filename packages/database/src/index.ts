/** The databases of the state masters and the configuration manager behind repositories; nobody else imports Prisma. */
export { isTransient } from "./failures.ts";
export type {
  AlertDelivery,
  AlertSubscription,
  BlockedHost,
  Client,
  ClusterSetting,
  Degree,
  DegreePlan,
  HealthSample,
  Incident,
  Node,
  ScreeningRule,
  Server,
  Signature,
} from "./generated/manager/client.ts";
export { type AuditHead, AuditRepository, type AuditVerification } from "./manager/audit.ts";
export { type AuditEntryInput, type AuditRow, auditFault, auditHash } from "./manager/audit-chain.ts";
export * from "./manager/clients.ts";
export * from "./manager/degrees.ts";
export { type FeedRange, FeedRepository } from "./manager/feed.ts";
export * from "./manager/fleet.ts";
export * from "./manager/incidents.ts";
export { type ManagerOpening, readManagerOpening } from "./manager/opening.ts";
export * from "./manager/outbox.ts";
export * from "./manager/quarantine.ts";
export * from "./manager/screening.ts";
export * from "./manager/settings.ts";
export { type ManagerStore, openManagerStore } from "./manager/store.ts";
export * from "./manager/subscriptions.ts";
export { openMasterStore } from "./master/client.ts";
export { MasterStore } from "./master/master-store.ts";
export * from "./master/rows.ts";
export { MigrationError, migrateDeploy, migrationsDirectory, type SchemaName } from "./migrate.ts";
