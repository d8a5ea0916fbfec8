/** Names for what the manager answers, taken from its router so that they cannot differ. */
import type { AdministrationRouter } from "@redoubt/cluster/api";
import type { inferRouterInputs, inferRouterOutputs } from "@trpc/server";

export type Answers = inferRouterOutputs<AdministrationRouter>;
export type Inputs = inferRouterInputs<AdministrationRouter>;

export type QuarantineItem = Answers["quarantine"]["item"];
export type QuarantineSummary = Answers["quarantine"]["list"]["items"][number];
export type QuarantinePayload = Answers["quarantine"]["payload"];
export type DegreeDetail = Answers["degrees"]["list"][number];
export type DegreePlan = Answers["degrees"]["plan"];
export type DegreeChange = NonNullable<DegreeDetail["change"]>;
export type NodeDetail = Answers["cluster"]["nodes"][number];
export type Subscription = Answers["subscriptions"]["list"][number];
export type Delivery = Answers["subscriptions"]["deliveries"][number];
export type StateVersion = Answers["state"]["show"]["versions"][number];
export type Incident = Answers["incidents"]["list"][number];
export type StateHistory = Answers["state"]["show"];
export type FoundVersion = Answers["state"]["versions"]["versions"][number];
export type RequestHistory = Answers["requests"]["show"];
export type PlacementGroup = Answers["state"]["placement"]["groups"][number];
export type MastersStatus = Answers["masters"]["status"];
export type MastersComparison = Answers["masters"]["compare"];
export type LogPage = Answers["requests"]["log"];
export type ApplicationsStatus = Answers["applications"]["status"];
export type ApplicationVersion = ApplicationsStatus["versions"][number];
export type BreakerState = ApplicationsStatus["breakers"][number];
export type OperationStrength = ApplicationVersion["operations"][number];
