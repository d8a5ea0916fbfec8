/**
 * In front of every page: the content security policy, and the way to the configuration manager.
 *
 * Calls under /api/trpc and sockets under /live are passed to the manager's primary of this moment with a five-minute token in place
 * of the cookie; the manager authorises every one of them again, so nothing depends on this file alone. A socket upgrade is never
 * answered here, not even to refuse it (the client would hang): without a token the manager's handshake rejects it.
 */
import { type NextRequest, NextResponse } from "next/server";
import { environment } from "./env";
import { managerToken } from "./server/auth";
import { contentSecurityPolicy } from "./server/content-security-policy";
import { managerUrl } from "./server/endpoints";
import { ownOrigins } from "./server/origins";

const trpcPrefix = "/api/trpc/";
/** Nobody listens there: an upgrade without a manager fails at once instead of hanging. */
const nowhere = "http://127.0.0.1:9";

export async function proxy(request: NextRequest): Promise<NextResponse> {
  const { pathname, search } = request.nextUrl;
  if (pathname === "/live" || pathname.startsWith("/live/")) return toManager(request, `/live${search}`);
  if (pathname.startsWith(trpcPrefix) && !isOurs(request)) {
    return NextResponse.json({ error: "Changes are taken from the console's own pages only." }, { status: 403 });
  }
  if (pathname.startsWith(trpcPrefix)) return toManager(request, `/trpc/${pathname.slice(trpcPrefix.length)}${search}`);
  return page(request);
}

/** A change must come from one of our pages and as JSON, which no form of another page can send; ports do not part sites. */
function isOurs(request: NextRequest): boolean {
  if (request.method === "GET") return true;
  const origin = request.headers.get("origin");
  const type = request.headers.get("content-type")?.split(";")[0]?.trim();
  return origin !== null && ownOrigins(environment().BETTER_AUTH_URL).includes(origin) && type === "application/json";
}

async function toManager(request: NextRequest, path: string): Promise<NextResponse> {
  const [url, token] = await Promise.all([managerUrl(), managerToken(request.headers).catch(() => null)]);
  const isUpgrade = request.headers.get("upgrade")?.toLowerCase() === "websocket";
  if (url === null && !isUpgrade) {
    return NextResponse.json({ error: "The configuration manager has no primary at the moment." }, { status: 503 });
  }
  const headers = new Headers(request.headers);
  headers.delete("cookie");
  headers.delete("authorization");
  if (token !== null) headers.set("authorization", `Bearer ${token}`);
  return NextResponse.rewrite(new URL(path, url ?? nowhere), { request: { headers } });
}

function page(request: NextRequest): NextResponse {
  const nonce = Buffer.from(crypto.getRandomValues(new Uint8Array(18))).toString("base64");
  const policy = contentSecurityPolicy(nonce);
  const headers = new Headers(request.headers);
  headers.set("x-nonce", nonce);
  headers.set("content-security-policy", policy);
  const response = NextResponse.next({ request: { headers } });
  response.headers.set("content-security-policy", policy);
  return response;
}

export const config = {
  matcher: ["/((?!_next/static|_next/image|api/auth|icon.svg).*)"],
};
