/** Which route a method and path name. Pure. */
export type Route =
  | { readonly kind: "operation"; readonly operation: string }
  | { readonly kind: "request"; readonly requestId: string }
  | { readonly kind: "openapi" | "health" | "ready" | "unknown" }
  | { readonly kind: "method"; readonly allow: string };

const OPERATIONS = "/v1/operations/";
const REQUESTS = "/v1/requests/";
const NAME_LENGTH_MAX = 200;
const PLAIN: Readonly<Record<string, Route>> = {
  "/v1/openapi.json": { kind: "openapi" },
  "/healthz": { kind: "health" },
  "/readyz": { kind: "ready" },
};

/** `ownRoutes`: the contract's own paths → operation. */
export function findRoute(method: string, url: string, ownRoutes: ReadonlyMap<string, string>): Route {
  const path = url.split("?", 1)[0] ?? "";
  const own = ownRoutes.get(path);
  if (own !== undefined) return method === "POST" ? { kind: "operation", operation: own } : only("POST");
  if (path.startsWith(OPERATIONS)) {
    const operation = lastSegment(path, OPERATIONS);
    if (operation === undefined) return { kind: "unknown" };
    return method === "POST" ? { kind: "operation", operation } : only("POST");
  }
  const isRead = method === "GET" || method === "HEAD";
  if (path.startsWith(REQUESTS)) {
    const requestId = lastSegment(path, REQUESTS);
    if (requestId === undefined) return { kind: "unknown" };
    return isRead ? { kind: "request", requestId } : only("GET, HEAD");
  }
  const route = Object.hasOwn(PLAIN, path) ? PLAIN[path] : undefined;
  if (!route) return { kind: "unknown" };
  return isRead ? route : only("GET, HEAD");
}

const only = (allow: string): Route => ({ kind: "method", allow });

function lastSegment(path: string, prefix: string): string | undefined {
  const encoded = path.slice(prefix.length);
  if (encoded === "" || encoded.includes("/") || encoded.length > NAME_LENGTH_MAX) return undefined;
  try {
    return decodeURIComponent(encoded);
  } catch {
    return undefined;
  }
}
