/**
 * Client addresses as they are blocked: one spelling per host, and the list of those that are never blocked (DESIGN §5,
 * REQUIREMENTS U33). An IPv6 host is its /64, because a client has as many addresses of it as it likes.
 */

/** 127.0.0.0/16: the cluster's own loopback nodes and whoever shares the machine's address with them. */
const ALWAYS_EXEMPT = "127.0.0.0/16";

/** One spelling: `::ffff:1.2.3.4` → `1.2.3.4`; IPv6 → its first four groups with `::/64`; anything else as it is. */
export function normaliseAddress(address: string): string {
  const plain = address.trim().toLowerCase().slice(0, 64);
  const mapped = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/.exec(plain);
  if (mapped?.[1]) return mapped[1];
  if (!plain.includes(":")) return plain;
  const [head = "", tail] = (plain.split("%")[0] ?? "").split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => "0");
  const groups = [...left, ...(tail === undefined ? [] : zeros), ...right].slice(0, 4);
  return `${groups.map((group) => group.replace(/^0+(?=.)/, "")).join(":")}::/64`;
}

function ipv4Number(address: string): number | undefined {
  const parts = address.split(".");
  if (parts.length !== 4 || parts.some((part) => !/^\d{1,3}$/.test(part) || Number(part) > 255)) return undefined;
  return parts.reduce((number, part) => number * 256 + Number(part), 0);
}

/** `range` is an address, or an IPv4 network `a.b.c.d/n`. */
function isWithin(address: string, range: string): boolean {
  const slash = range.indexOf("/");
  const network = slash < 0 ? undefined : ipv4Number(range.slice(0, slash));
  if (network === undefined) return normaliseAddress(range) === address || range === address;
  const number = ipv4Number(address);
  const bits = Number(range.slice(slash + 1));
  if (number === undefined || !Number.isInteger(bits) || bits < 0 || bits > 32) return false;
  const size = 2 ** (32 - bits);
  return Math.floor(number / size) === Math.floor(network / size);
}

/** True for addresses whose block is withheld; `exempt` lists nodes, trusted proxies and what the administrator adds. */
export const isExempt = (address: string, exempt: readonly string[]): boolean =>
  isWithin(address, ALWAYS_EXEMPT) || exempt.some((range) => isWithin(address, range));
