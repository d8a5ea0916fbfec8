/** Addresses under which people reach this console. Loopback has two names for the same place, and both are typed. */

/** Origins accepted for log-in: the configured one and, if it is loopback, its other spelling at the same port. */
export function ownOrigins(consoleUrl: string): string[] {
  const url = new URL(consoleUrl);
  const origins = [url.origin];
  const twin = loopbackTwins[url.hostname];
  if (twin !== undefined) origins.push(`${url.protocol}//${twin}${url.port === "" ? "" : `:${url.port}`}`);
  return origins;
}

const loopbackTwins: Record<string, string | undefined> = { "127.0.0.1": "localhost", localhost: "127.0.0.1" };
