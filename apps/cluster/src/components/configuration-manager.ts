/** The configuration manager's process (paper §3.5): its identity, its links, its records, and the interface for people. */
import { existsSync, readFileSync } from "node:fs";
import { openCertificateAuthority } from "../adapters/certificates/certificate-authority.ts";
import { startAdministrationServer } from "../administration/index.ts";
import type { ServerEnvironment } from "../env.ts";
import { readClusterFile } from "../launch/cluster-file.ts";
import { certifySelf } from "../manager/certificates.ts";
import { ManagerDatabase } from "../manager/database.ts";
import { writeEndpoints } from "../manager/endpoints-file.ts";
import { Manager } from "../manager/manager.ts";
import { ConsoleSessions, embeddedDatabaseUrl } from "../manager/sessions.ts";
import { IDENTITY_LOOK_MS, isIdentityOld } from "../runtime/identity-renewal.ts";
import { portsOf } from "../runtime/ports.ts";
import { handleSignals, ServerProcess } from "../runtime/server-process.ts";

export async function runConfigurationManager(environment: ServerEnvironment): Promise<void> {
  const server = new ServerProcess(environment);
  handleSignals(server);
  const { layout, log } = server;
  const cluster = readClusterFile(environment.data);
  if (!cluster) throw new Error(`${layout.clusterFile} is missing: there is no cluster to manage`);
  const isFirst = !existsSync(layout.postgres("manager"));
  const ports = portsOf(cluster.portBase);
  const database = new ManagerDatabase(server, ports.managerPostgres(1), environment.settings.databaseUrl);
  // Before anything else: it takes longest, and mostly in another process.
  database.start();
  const authority = await openCertificateAuthority(layout.authority);
  const identityFolder = layout.tls(environment.node, environment.server);
  await certifySelf(authority, environment.server, identityFolder);
  const manager = new Manager(server, cluster, authority, database);
  await manager.open(isFirst);
  log.info("links are served");
  const renewal = setInterval(() => {
    if (isIdentityOld(identityFolder)) void certifySelf(authority, environment.server, identityFolder);
  }, IDENTITY_LOOK_MS);
  server.onStop(async () => clearInterval(renewal));
  const authFolder = layout.postgres("auth");
  const sessions = new ConsoleSessions(
    () => environment.settings.authDatabaseUrl ?? embeddedDatabaseUrl(authFolder, ports.authPostgres, "auth"),
  );
  const origins = ["127.0.0.1", "localhost"].map((host) => `http://${host}:${ports.console}`);
  // Shown before its records are read: which server runs where is known without them.
  const opened = manager.openRecords();
  const administration = await startAdministrationServer({
    listen: { host: "127.0.0.1", port: ports.administration },
    port: manager.administrationPort(),
    feed: manager.feed,
    adminToken: readFileSync(layout.adminToken, "utf8").trim(),
    jwks: sessions,
    sessions,
    allowedOrigins: () => origins,
    opened,
    onFault: (error) => log.error({ error: error instanceof Error ? error.stack : error }, "administration"),
  });
  server.onStop(async () => {
    await administration.close();
    await sessions.close();
  });
  writeEndpoints(layout.endpoints, [{ server: environment.server, url: administration.url, primary: true }]);
  await opened;
  log.info({ url: administration.url }, "administrators are served");
}
