/**
 * Settings of the embedded instances: full durability, and as little memory and as few helper processes as five of them
 * on one small machine should have. Whoever wants a big database names their own by its URL.
 */
export type PostgresSettings = Record<string, string | number>;

const defaults: PostgresSettings = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  // Durability: an acknowledged row survives kill -9 and loss of power.
  fsync: "on",
  synchronous_commit: "on",
  full_page_writes: "on",
  // Memory.
  shared_buffers: "16MB",
  max_connections: 30,
  work_mem: "2MB",
  maintenance_work_mem: "16MB",
  // No replication of Postgres's own: the state masters replicate by Paxos. That also makes the log smaller.
  wal_level: "minimal",
  max_wal_senders: 0,
  min_wal_size: "32MB",
  max_wal_size: "256MB",
  // Helper processes; Postgres 18 would start three for input and output alone.
  io_method: "sync",
  max_worker_processes: 2,
  max_parallel_workers: 0,
  max_logical_replication_workers: 0,
  autovacuum: "on",
  autovacuum_max_workers: 1,
  autovacuum_worker_slots: 2,
  jit: "off",
  // A look-up by request id reads what waits to be merged into its index: keep that short.
  gin_pending_list_limit: "1MB",
  timezone: "UTC",
  log_timezone: "UTC",
  log_checkpoints: "off",
};

/** `-c name=value` for every setting. */
export function settingParameters(overrides: PostgresSettings): string[] {
  return Object.entries({ ...defaults, ...overrides }).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
}
