/** Plain data about the application's versions: which serves, how strong its acceptance tests are, what the breaker says. */

/** `loading`: its bundle is on its way to the servers. `retired`: neither serves nor is the one to go back to. */
export type ApplicationVersionState = "loading" | "current" | "previous" | "retired";

/** How an operation's change and reply are judged, counted when its bundle was made. */
export interface OperationStrength {
  operation: string;
  title: string;
  readOnly: boolean;
  /** What the execution server has for it. */
  deadlineMs: number;
  /** What its client gets when it is quarantined: a definite rejection, or it waits for a person. */
  onQuarantine: "reject" | "hold";
  /** Combinators of its acceptance test by kind (`conserves`, `only-changes`, `unchanged`, `must`, `custom`), most first. */
  combinators: { kind: string; count: number }[];
  /** Refusals, each proved by a predicate. */
  refusals: number;
  /** Access templates in all, and those of which every object must really be read or written. */
  templates: number;
  completeTemplates: number;
  /** False: nothing but the built-in checks would notice a wrong change. */
  hasOwnChecks: boolean;
}

export interface ApplicationObject {
  type: string;
  title: string;
  /** Version of its schema; bytes of older ones are upgraded when they are read. */
  schemaVersion: number;
  confidentialFields: string[];
}

/** The first requests after a version replaced another: the breaker looks at all of them, not at the last 60 s. */
export interface ApplicationTrial {
  requests: number;
  of: number;
}

export interface ApplicationVersion {
  /** Content address of its bundle, 64 hexadecimal digits: the version that tickets name. */
  hash: string;
  name: string;
  title: string;
  /** The developer's number of it. */
  version: number;
  state: ApplicationVersionState;
  deployedAt: string;
  deployedBy: string;
  /** Null when it is over, or when the version replaced no other. */
  trial: ApplicationTrial | null;
  operations: OperationStrength[];
  objects: ApplicationObject[];
  /** Servers that have loaded it, of those that run and must. */
  servers: { loaded: number; of: number };
}

/** One circuit of the breaker (PROTOCOL §10), from its first failure that counts. */
export interface BreakerState {
  applicationVersion: string;
  operation: string;
  check: string;
  /** `open`: failing requests are withheld (503); nobody is blamed, blocked or learned from. */
  state: "closed" | "open";
  /** Clients of good standing whose requests failed, and how many are needed to open it. */
  principals: number;
  principalsNeeded: number;
  /** Confirmed failures that were withheld. */
  withheld: number;
  openedAt: string | null;
  /** When it closes if nothing more fails. */
  openUntil: string | null;
}

/** The one step back. */
export interface RollbackOffer {
  to: string;
  version: number;
  possible: boolean;
  /** For the person who is about to do it: what happens, or why it cannot be done. */
  sentence: string;
}

/** A bundle on the manager's node that is not the current version. */
export interface ApplicationBundle {
  hash: string;
  name: string;
  title: string;
  version: number;
  bundledAt: string;
}

export interface ApplicationsStatus {
  asOf: string;
  /** Hash of the version under which requests are admitted now. */
  current: string;
  /** Newest first. */
  versions: ApplicationVersion[];
  breakers: BreakerState[];
  rollback: RollbackOffer | null;
  bundles: ApplicationBundle[];
}

/** One thing that is wrong, by operation or object and field. */
export interface ApplicationProblem {
  /** `operation transfer`, `object account`, `contract`. */
  where: string;
  field: string;
  message: string;
}

/** What deploying a bundle in the place of the current version would mean. Changes nothing. */
export interface ApplicationCheck {
  hash: string;
  version: number;
  /** Hash of the version it was compared with. */
  comparedWith: string;
  /** It may be deployed when there are none. */
  problems: ApplicationProblem[];
  /** What people should know before they do it. */
  notes: ApplicationProblem[];
  /** Can the current version be restored after the new one has written? */
  rollback: { possible: boolean; sentence: string };
}
