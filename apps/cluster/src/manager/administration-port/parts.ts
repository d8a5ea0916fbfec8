/** What the administration interface's answers are made from. */
import type { ContractJson } from "@redoubt/application";
import type { ClusterFile } from "../../launch/cluster-file.ts";
import type { ServerProcess } from "../../runtime/server-process.ts";
import type { Alerts } from "../alerts.ts";
import type { ApplicationVersions } from "../applications/application-versions.ts";
import type { Clients } from "../clients.ts";
import type { ManagerDatabase } from "../database.ts";
import type { Degrees } from "../degrees.ts";
import type { DrillRuns } from "../drill-runs.ts";
import type { ManagerFeed } from "../feed.ts";
import type { LeaseHolders } from "../lease-holders.ts";
import type { Membership } from "../membership.ts";
import type { Registry } from "../registry.ts";
import type { RegulatorLink } from "../regulator-link.ts";
import type { StateLink } from "../state-link.ts";
import type { StorageMarks } from "../storage-marks.ts";
import type { TrafficView } from "../traffic.ts";

export interface PortParts {
  readonly applications: ApplicationVersions;
  readonly cluster: ClusterFile;
  readonly contract: ContractJson;
  readonly server: ServerProcess;
  readonly database: ManagerDatabase;
  readonly feed: ManagerFeed;
  readonly registry: Registry;
  readonly membership: Membership;
  readonly degrees: Degrees;
  readonly regulator: RegulatorLink;
  readonly state: StateLink;
  readonly marks: StorageMarks;
  readonly holders: LeaseHolders;
  readonly traffic: TrafficView;
  readonly clients: Clients;
  readonly alerts: Alerts;
  readonly drills: DrillRuns;
}
