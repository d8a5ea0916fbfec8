/** What the configuration manager's wiring imports to serve its administrators. */
export type { Authenticate, JwksProvider, Session } from "./authentication.ts";
export { httpJwksProvider, tokenAudience, tokenIssuer } from "./authentication.ts";
export type { EventFeed, SessionDirectory } from "./feed.ts";
export type * from "./port.ts";
export { AdministrationError, roles } from "./port.ts";
export type { AdministrationRouter } from "./router.ts";
export { type AdministrationServer, type AdministrationServerOptions, startAdministrationServer } from "./server.ts";
