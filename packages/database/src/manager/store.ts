/** The configuration manager's database: one repository per subject over one connection pool. */
import { poolAdapter, transactionOptions } from "../connection.ts";
import { PrismaClient } from "../generated/manager/client.ts";
import { AttributionRepository } from "./attributions.ts";
import { AuditRepository } from "./audit.ts";
import { ClientRepository } from "./clients.ts";
import { DegreeRepository } from "./degrees.ts";
import { FeedRepository } from "./feed.ts";
import { FleetRepository } from "./fleet.ts";
import { IncidentRepository } from "./incidents.ts";
import { OutboxRepository } from "./outbox.ts";
import { QuarantineRepository } from "./quarantine.ts";
import { ScreeningRepository } from "./screening.ts";
import { SettingRepository } from "./settings.ts";
import { SubscriptionRepository } from "./subscriptions.ts";

const connectionsMax = 8;

export interface ManagerStore {
  readonly attributions: AttributionRepository;
  readonly audit: AuditRepository;
  readonly clients: ClientRepository;
  readonly degrees: DegreeRepository;
  readonly feed: FeedRepository;
  readonly fleet: FleetRepository;
  readonly incidents: IncidentRepository;
  readonly outbox: OutboxRepository;
  readonly quarantine: QuarantineRepository;
  readonly screening: ScreeningRepository;
  readonly settings: SettingRepository;
  readonly subscriptions: SubscriptionRepository;
  close(): Promise<void>;
}

/** Connects lazily, and again by itself after the database was restarted. */
export function openManagerStore(url: string): ManagerStore {
  const client = new PrismaClient({ adapter: poolAdapter(url, connectionsMax), transactionOptions });
  return {
    attributions: new AttributionRepository(client),
    audit: new AuditRepository(client),
    clients: new ClientRepository(client),
    degrees: new DegreeRepository(client),
    feed: new FeedRepository(client),
    fleet: new FleetRepository(client),
    incidents: new IncidentRepository(client),
    outbox: new OutboxRepository(client),
    quarantine: new QuarantineRepository(client),
    screening: new ScreeningRepository(client),
    settings: new SettingRepository(client),
    subscriptions: new SubscriptionRepository(client),
    close: () => client.$disconnect(),
  };
}
