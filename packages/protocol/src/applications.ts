/**
 * The versions of the application that one core knows. A ticket names the version that admitted its request, and everything
 * about that request is judged by that version to its end (REQUIREMENTS R38), so a core keeps all it was ever given. It
 * knows nothing of which of them is current: only the regulator does.
 */
import type { ObjectClusterNumber } from "@redoubt/shared";
import type { ApplicationPort } from "./application-port.ts";

export class Applications<Version extends ApplicationPort = ApplicationPort> {
  readonly #byVersion = new Map<string, Version>();

  /** The one the state began with. */
  readonly first: Version;

  constructor(first: Version, others: readonly Version[] = []) {
    this.first = first;
    for (const application of [first, ...others]) this.add(application);
  }

  /** False when it was known. */
  add(application: Version): boolean {
    if (this.#byVersion.has(application.version)) return false;
    this.#byVersion.set(application.version, application);
    return true;
  }

  /** Undefined: not known here (yet). Total for whatever a ticket names. */
  of(version: string): Version | undefined {
    return this.#byVersion.get(version);
  }

  /** By any version that has the operation. */
  isReadOnly(operation: string): boolean {
    return [...this.#byVersion.values()].some((application) => application.isReadOnly(operation));
  }

  /**
   * Versions agree about every object that two of them know: the part of the key that correlates objects may not change
   * (contract compatibility). So whichever version knows the object may be asked.
   */
  clusterOf(object: string): ObjectClusterNumber | undefined {
    for (const application of this.#byVersion.values()) {
      const cluster = application.clusterOf(object);
      if (cluster !== undefined) return cluster;
    }
    return undefined;
  }
}
