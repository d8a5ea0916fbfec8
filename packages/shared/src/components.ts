/**
 * The paper's seven components (Figure 1) and the auxiliary identities that hold certificates. Spelled the same in
 * every folder, certificate and page.
 */
export const COMPONENTS = [
  "traffic-regulator",
  "execution-server",
  "acceptance-test-server",
  "state-replica",
  "state-master",
  "configuration-manager",
  "node-agent",
] as const;

export type Component = (typeof COMPONENTS)[number];

/** Components that run as numbered servers (`<component>-<n>`) and have a replication degree. */
export const SERVER_COMPONENTS = COMPONENTS.filter((component) => component !== "node-agent");

export const isComponent = (text: unknown): text is Component => COMPONENTS.includes(text as Component);

/** `state-replica-2` → `state-replica`; undefined when the name is not of the form `<component>-<n>`. */
export function componentOf(server: string): Component | undefined {
  const match = /^(.+)-(\d{1,4})$/.exec(server);
  return match && isComponent(match[1]) ? match[1] : undefined;
}
