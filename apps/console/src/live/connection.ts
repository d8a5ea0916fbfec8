/**
 * The console's one connection to the feed. Keeps the number of the last event seen and asks for everything after it whenever it
 * (re)connects, so a cut loses nothing and repeats nothing. Pages never open sockets of their own: they read the state here, and
 * handlers therefore cannot multiply.
 */
import {
  type FeedEvent,
  type FeedServerToClient,
  feedEventSchema,
  feedGreetingSchema,
  type TrafficCounters,
  trafficCountersSchema,
} from "@redoubt/shared";
import { io, type Socket } from "socket.io-client";

export interface LiveState {
  status: "connecting" | "live" | "disconnected";
  /** When the connection was lost; null while it stands or before it ever stood. */
  disconnectedSinceMs: number | null;
  /** Newest first, at most `eventsKept`. */
  events: readonly FeedEvent[];
  traffic: TrafficCounters | null;
  /** Counters of the last two minutes, oldest first. */
  trafficHistory: readonly TrafficCounters[];
}

/** Where the first paint stood; `latest` null when the manager could not say. */
export interface LiveStart {
  latest: number | null;
  events: readonly FeedEvent[];
  traffic: TrafficCounters | null;
}

export interface LiveListener {
  onEvents(events: readonly FeedEvent[]): void;
  /** Requests were answered since the counters before, so versions were made. */
  onProgress(): void;
  /** Everything on the page may be out of date: first connection, or events that are no longer kept. */
  onResynchronise(): void;
}

const eventsKept = 200;
const trafficKept = 120;
const reconnectAfterEndMs = 300;

export class LiveConnection {
  readonly #listener: LiveListener;
  readonly #subscribers = new Set<() => void>();
  #state: LiveState;
  #cursor: number | null;
  #socket: Socket<FeedServerToClient, Record<string, never>> | null = null;

  constructor(initial: LiveStart, listener: LiveListener) {
    this.#listener = listener;
    this.#cursor = initial.latest;
    this.#state = {
      status: "connecting",
      disconnectedSinceMs: null,
      events: initial.events,
      traffic: initial.traffic,
      trafficHistory: initial.traffic === null ? [] : [initial.traffic],
    };
  }

  readonly subscribe = (subscriber: () => void): (() => void) => {
    this.#subscribers.add(subscriber);
    return () => this.#subscribers.delete(subscriber);
  };

  readonly state = (): LiveState => this.#state;

  /** Connects; the answer ends the connection for good. */
  start(): () => void {
    const socket: Socket<FeedServerToClient, Record<string, never>> = io({
      path: "/live",
      addTrailingSlash: false,
      transports: ["websocket", "polling"],
      tryAllTransports: true,
      auth: (give) => give(this.#cursor === null ? {} : { after: this.#cursor }),
      reconnectionDelay: 300,
      reconnectionDelayMax: 3000,
    });
    this.#socket = socket;
    socket.on("greeting", (raw) => {
      const greeting = feedGreetingSchema.parse(raw);
      if (greeting.gap || this.#cursor === null) this.#cursor = greeting.latest;
      this.#change({ status: "live", disconnectedSinceMs: null });
      this.#listener.onResynchronise();
    });
    socket.on("event", (raw) => this.#receive(raw));
    socket.on("traffic", (raw) => {
      const traffic = trafficCountersSchema.parse(raw);
      const before = this.#state.traffic;
      if (before !== null && before.logs.L2 !== traffic.logs.L2) this.#listener.onProgress();
      const trafficHistory = [...this.#state.trafficHistory, traffic].slice(-trafficKept);
      this.#change({ traffic, trafficHistory });
    });
    socket.on("disconnect", (reason) => {
      this.#lost();
      // The manager ends sockets when their five-minute token does; the next handshake carries a new one.
      if (reason === "io server disconnect") setTimeout(() => this.#socket?.connect(), reconnectAfterEndMs);
    });
    socket.on("connect_error", () => {
      this.#lost();
      // A refused handshake is not tried again by itself.
      if (!socket.active) setTimeout(() => this.#socket?.connect(), 3000);
    });
    return () => {
      this.#socket = null;
      socket.disconnect();
    };
  }

  #receive(raw: unknown): void {
    const parsed = feedEventSchema.safeParse(raw);
    if (!parsed.success) {
      // A newer manager may tell what this page does not know yet: everything it shows may have changed.
      this.#listener.onResynchronise();
      return;
    }
    const event = parsed.data;
    if (this.#cursor !== null && event.number <= this.#cursor) return;
    this.#cursor = event.number;
    this.#change({ events: [event, ...this.#state.events].slice(0, eventsKept) });
    this.#listener.onEvents([event]);
  }

  #lost(): void {
    if (this.#state.status === "disconnected") return;
    this.#change({ status: "disconnected", disconnectedSinceMs: Date.now() });
  }

  #change(part: Partial<LiveState>): void {
    this.#state = { ...this.#state, ...part };
    for (const subscriber of this.#subscribers) subscriber();
  }
}
