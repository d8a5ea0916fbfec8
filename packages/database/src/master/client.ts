/** Connection of a state master to its own database. */
import { poolAdapter, transactionOptions } from "../connection.ts";
import { PrismaClient } from "../generated/master/client.ts";
import { MasterStore } from "./master-store.ts";

/** One writes, the others answer questions meanwhile. */
const connectionsMax = 4;

/** Connects lazily, and again by itself after the database was restarted. `close()` ends it. */
export function openMasterStore(url: string): { store: MasterStore; close: () => Promise<void> } {
  const client = new PrismaClient({ adapter: poolAdapter(url, connectionsMax), transactionOptions });
  return { store: new MasterStore(client), close: () => client.$disconnect() };
}
