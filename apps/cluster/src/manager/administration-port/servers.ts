/** Ending single servers, and starting them again. A server that is ended keeps its place, its data and its membership. */
import { AdministrationError, type AdministrationPort } from "../../administration/index.ts";
import type { PortParts } from "./parts.ts";

type ServersPart = Pick<AdministrationPort, "serverEnd" | "serverStart">;

export function serversPart({ membership, degrees }: PortParts): ServersPart {
  const placedOf = (server: string) => {
    const placed = membership.find(server);
    if (!placed) throw new AdministrationError("not-found", `There is no server named ${server}.`, "server");
    return placed;
  };
  return {
    async serverEnd({ server, kill, force }) {
      const { component, ended } = placedOf(server);
      if (component === "configuration-manager")
        throw new AdministrationError("refused", "Without the manager nobody could order it to start again.", "server");
      const { faultsToleratedNow } = degrees.all()[component];
      if (!force && ended === undefined && faultsToleratedNow < 1) {
        const text = `No further ${component} may be missing: requests could not be decided. To end it all the same, force it.`;
        throw new AdministrationError("refused", text, "server");
      }
      membership.end(server, kill ? "killed" : "stopped");
    },
    async serverStart({ server }) {
      placedOf(server);
      membership.end(server, undefined);
    },
  };
}
