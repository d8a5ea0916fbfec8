/** The network's entry points: noted and refused. TLS, HTTP, fetch and WebSocket all come down to one of them. */
import dgram from "node:dgram";
import dns from "node:dns";
import net from "node:net";
import { noteAttempt } from "./attempts.ts";
import { refusal, refuseMethods, replace } from "./denials.ts";

/** Path or address in the arguments of connect and listen, in all their forms. */
export function targetOf(values: readonly unknown[]): string {
  const [given] = values;
  const [first, second] = Array.isArray(given) ? (given as unknown[]) : values;
  if (typeof first === "object" && first !== null) {
    const { path, host, port } = first as { path?: unknown; host?: unknown; port?: unknown };
    return typeof path === "string" ? path : `${host ?? "localhost"}:${port ?? ""}`;
  }
  const isPort = typeof first === "number" || /^\d+$/.test(String(first));
  return isPort ? `${typeof second === "string" ? second : "localhost"}:${first}` : String(first);
}

const DNS_HARMLESS = new Set(["getServers", "setServers", "getDefaultResultOrder", "setDefaultResultOrder"]);
const questions = (module: object): string[] =>
  Object.entries(module)
    .filter(([name, value]) => typeof value === "function" && !/^[A-Z]/.test(name) && !DNS_HARMLESS.has(name))
    .map(([name]) => name);
const asked = (_name: string, values: readonly unknown[]): string => `name ${String(values[0])}`;

export function refuseNetwork(): void {
  // Its `this` is the socket, which fails as a refused connection would: later, with an error and its end.
  replace(net.Socket.prototype as never, "connect", function connect(this: unknown, ...values) {
    const what = targetOf(values);
    noteAttempt("network", what);
    process.nextTick(() => (this as net.Socket).destroy(refusal(what)));
    return this;
  });
  replace(net.Server.prototype as never, "listen", function listen(this: unknown, ...values) {
    const what = `listen ${targetOf(values)}`;
    noteAttempt("network", what);
    process.nextTick(() => (this as net.Server).emit("error", refusal(what)));
    return this;
  });
  const datagram = (name: string): string => `datagram ${name}`;
  refuseMethods(dgram, ["createSocket"], "network", "throw", datagram);
  refuseMethods(dgram.Socket.prototype, ["bind", "connect", "send"], "network", "throw", datagram);
  refuseMethods(dns, questions(dns), "network", "callback", asked);
  refuseMethods(dns.promises, questions(dns.promises), "network", "promise", asked);
  const resolverNames = (prototype: object): string[] =>
    Object.getOwnPropertyNames(prototype).filter((name) => name.startsWith("resolve") || name === "reverse");
  const resolvers = [dns.Resolver.prototype, Object.getPrototypeOf(dns.Resolver.prototype) as object];
  for (const prototype of resolvers) refuseMethods(prototype, resolverNames(prototype), "network", "callback", asked);
  const promised = dns.promises.Resolver.prototype;
  refuseMethods(promised, resolverNames(promised), "network", "promise", asked);
}
