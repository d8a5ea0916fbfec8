/** The administration interface of this manager: each part answers for one subject. */
import type { AdministrationPort } from "../../administration/index.ts";
import { applicationsPart } from "./applications.ts";
import { auditPart } from "./audit.ts";
import { clusterPart } from "./cluster.ts";
import { corruptionPart } from "./corruption.ts";
import { defencePart } from "./defence.ts";
import { mastersPart } from "./masters.ts";
import type { PortParts } from "./parts.ts";
import { quarantinePart } from "./quarantine.ts";
import { recordsPart } from "./records.ts";
import { serversPart } from "./servers.ts";
import { statePart } from "./state.ts";

export type { PortParts } from "./parts.ts";

export function createAdministrationPort(parts: PortParts): AdministrationPort {
  const { clients, alerts, drills } = parts;
  return {
    ...auditPart(parts),
    ...clusterPart(parts),
    ...serversPart(parts),
    ...applicationsPart(parts),
    ...quarantinePart(parts),
    ...defencePart(parts),
    ...recordsPart(parts),
    ...statePart(parts),
    ...corruptionPart(parts),
    ...mastersPart(parts),
    clients: () => clients.list(),
    clientAdd: ({ client, roles }, actor) => clients.add(client, roles, actor),
    clientRevoke: ({ client }) => clients.revoke(client),
    subscriptions: (owner) => alerts.list(owner),
    subscriptionAdd: (request, actor) => alerts.add(request, actor),
    subscriptionVerify: (request) => alerts.verify(request),
    subscriptionRemove: ({ subscriptionId }) => alerts.remove(subscriptionId),
    subscriptionTestSend: ({ subscriptionId }) => alerts.testSend(subscriptionId),
    deliveries: ({ owner, limit }) => alerts.deliveries(owner, limit),
    drillStart: async ({ drill }, actor) => drills.start(drill, actor),
    drillResult: async (drillId) => drills.result(drillId),
  };
}
