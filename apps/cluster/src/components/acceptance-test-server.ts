/** The acceptance test server's process (basic profile): it keeps nothing; a new one starts empty. */
import {
  type AcceptanceTestServerEffect,
  type AcceptanceTestServerInput,
  createAcceptanceTestServer,
} from "@redoubt/protocol";
import type { ToAcceptanceTestServer } from "@redoubt/shared";
import type { ServerEnvironment } from "../env.ts";
import { Driver } from "../runtime/driver.ts";
import { recordCodec } from "../runtime/record-codec.ts";
import { createAcceptanceTesting } from "./acceptance-testing.ts";
import { applicationPorts, createApplicationPort } from "./application-port.ts";
import { firstRegulator, openComponent } from "./component.ts";

export async function runAcceptanceTestServer(environment: ServerEnvironment): Promise<void> {
  const { server, settings, applications, hasher } = openComponent(environment);
  const core = createAcceptanceTestServer(
    { hasher, ...applicationPorts(applications, hasher) },
    { self: environment.server, masters: settings.masters, trafficRegulator: firstRegulator(settings) },
  );
  const testing = createAcceptanceTesting(applications, (input) => driver.input(input));
  const driver = new Driver<AcceptanceTestServerInput, AcceptanceTestServerEffect>({
    core,
    journal: undefined,
    codec: recordCodec,
    send: ({ to, message }) => server.send(to, message),
    perform: (effect) => {
      if (effect.kind === "test") testing.test(effect);
    },
  });
  applications.onLoaded((loaded) =>
    driver.input({ kind: "loaded", application: createApplicationPort(loaded, hasher) }),
  );
  server.onStop(() => testing.close());
  server.onStop(async () => driver.stop());
  await driver.start();
  await server.open({
    onMessage: (from, message) => {
      // What it is shown of the state feeds its leak check: it has no store of its own.
      if (message.kind === "record" && message.record) testing.stored(message.record);
      else if (message.kind === "stream") for (const slot of message.slots) testing.decided(slot.decisions);
      driver.input({ kind: "message", from, message: message as ToAcceptanceTestServer });
    },
  });
  server.reportHealth(() => ({
    ready: true,
    role: "tester",
    applications: testing.versions(),
    counters: { steps: driver.steps },
    processes: [],
  }));
}
