/**
 * A compromised state replica (REQUIREMENTS §C, B1 to B7), started by an audited order of the manager in place of the honest one.
 * The word behind the file's name lists behaviours with hyphens between them; each SIGUSR2 begins the next one, or ends the one
 * that is going on.
 */
import { type Adversary, replicaDrill, together } from "@redoubt/adversary";
import { secureRandom } from "../components/component.ts";
import { runStateReplica } from "../components/state-replica.ts";
import { readServerEnvironment } from "../env.ts";
import { createHasher } from "../runtime/hasher.ts";
import { openActs } from "./acts.ts";

const environment = readServerEnvironment();
const names = (process.argv[2] ?? "").split("-");
const acted = openActs(environment.data, environment.server);
const tools = { hasher: createHasher(), random: secureRandom, sign: () => "" };
const behaviours = names.map((name): Adversary => {
  const factories = replicaDrill(name);
  if (factories.length === 0) throw new Error(`"${name}" is no behaviour of a replica`);
  return together(
    factories.map((make) => make(tools)),
    acted,
  );
});

let next = 0;
let current: Adversary | undefined;
process.on("SIGUSR2", () => {
  current = current ? undefined : behaviours[next++];
});
await runStateReplica(environment, {
  sent: ({ to, message }) => current?.bendMessage?.(to, message) ?? [message],
});
