/**
 * The address a request comes from: the socket's, except behind a trusted proxy, which says it in X-Forwarded-For
 * (REQUIREMENTS U33). Nobody else is believed about an address.
 */
const HOPS_MAX = 16;

/** `::ffff:1.2.3.4` → `1.2.3.4`. */
const plain = (address: string): string => address.trim().replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, "");

/** The nearest hop that is not itself a trusted proxy; the socket's address when the proxies name none. */
export function clientAddress(
  socketAddress: string,
  forwardedFor: string | undefined,
  trustedProxies: ReadonlySet<string>,
): string {
  const nearest = plain(socketAddress);
  if (!trustedProxies.has(nearest) || forwardedFor === undefined) return nearest;
  const hops = forwardedFor.split(",").slice(-HOPS_MAX).map(plain);
  return hops.reverse().find((hop) => hop !== "" && !trustedProxies.has(hop)) ?? nearest;
}
