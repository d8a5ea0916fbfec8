/** Links between servers: simplex, mutual TLS 1.3, length-prefixed frames, one write per peer and turn (DESIGN.md §10, PERFORMANCE.md). */
export type { PeerIdentity } from "../certificates/index.ts";
export { DEFAULT_FRAME_BYTES_MAX } from "./frames.ts";
export {
  CONNECTIONS_PER_PEER_MAX,
  LinkServer,
  type LinkServerOptions,
  type LinkServerStatistics,
  listenForLinks,
} from "./link-server.ts";
export type { PeerAddress } from "./peer-link.ts";
export { DEFAULT_QUEUE_BYTES_MAX, PeerLinks, type PeerLinksOptions, type PeerLinksStatistics } from "./peer-links.ts";
export { Revocations } from "./revocations.ts";
export type { LinkIdentity } from "./tls.ts";
