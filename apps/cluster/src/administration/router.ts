/** The administration router: one subject per file, every procedure behind a permission (CONSOLE §8). */
import { subscriptionProcedures } from "./procedures/alerts.ts";
import { applicationProcedures } from "./procedures/applications.ts";
import { auditProcedures } from "./procedures/audit.ts";
import { clientProcedures } from "./procedures/clients.ts";
import { clusterProcedures } from "./procedures/cluster.ts";
import { hostProcedures, incidentProcedures, signatureProcedures } from "./procedures/defence.ts";
import { degreeProcedures } from "./procedures/degrees.ts";
import { drillProcedures } from "./procedures/drills.ts";
import { quarantineProcedures } from "./procedures/quarantine.ts";
import { requestProcedures } from "./procedures/records.ts";
import { serverProcedures } from "./procedures/servers.ts";
import { masterProcedures, stateProcedures } from "./procedures/state.ts";
import { router } from "./trpc.ts";

export const administrationRouter = router({
  cluster: clusterProcedures,
  servers: serverProcedures,
  applications: applicationProcedures,
  degrees: degreeProcedures,
  quarantine: quarantineProcedures,
  hosts: hostProcedures,
  signatures: signatureProcedures,
  incidents: incidentProcedures,
  state: stateProcedures,
  masters: masterProcedures,
  requests: requestProcedures,
  clients: clientProcedures,
  subscriptions: subscriptionProcedures,
  audit: auditProcedures,
  drills: drillProcedures,
});

export type AdministrationRouter = typeof administrationRouter;
