/**
 * What the regulator has learned to keep out: blocked principals and addresses, and signatures of malformed requests
 * (paper §3.1; REQUIREMENTS R23, R24, §E). Exact signatures only: the same operation with the same canonical input, from
 * any client. Other kinds are further members of {@link MalformedSignature} with a matcher of their own.
 */
import { type Digest, type RequestId, unreachable } from "@redoubt/shared";

export interface MalformedSignature {
  readonly kind: "exact-digest";
  readonly signature: string;
  readonly operation: string;
  readonly inputDigest: Digest;
  /** The L1 entry it was learned from. */
  readonly requestId: RequestId;
}

export interface ScreenedRequest {
  readonly operation: string;
  readonly inputDigest: Digest;
}

export interface Block {
  readonly principal?: string;
  readonly address?: string;
  readonly requestId: RequestId;
  readonly reason: string;
}

const SIGNATURES_MAX = 10_000;
const BLOCKS_MAX = 100_000;

export class Quarantine {
  readonly #principals = new Map<string, Block>();
  readonly #addresses = new Map<string, Block>();
  readonly #signatures = new Map<string, MalformedSignature>();
  /** Exact ones by what they match, so that screening costs one look-up. */
  readonly #exact = new Map<string, MalformedSignature>();

  isPrincipalBlocked(principal: string): boolean {
    return this.#principals.has(principal);
  }

  isAddressBlocked(address: string): boolean {
    return this.#addresses.has(address);
  }

  block(block: Block): void {
    if (block.principal !== undefined) addBounded(this.#principals, block.principal, block);
    if (block.address !== undefined) addBounded(this.#addresses, block.address, block);
  }

  unblock(who: { readonly principal?: string; readonly address?: string }): void {
    if (who.principal !== undefined) this.#principals.delete(who.principal);
    if (who.address !== undefined) this.#addresses.delete(who.address);
  }

  /** Blocks that this L1 entry caused. */
  blocksOf(requestId: RequestId): Block[] {
    return [...new Set([...this.#principals.values(), ...this.#addresses.values()])].filter(
      (block) => block.requestId === requestId,
    );
  }

  learn(signature: MalformedSignature): void {
    if (this.#signatures.size >= SIGNATURES_MAX) {
      const [oldest] = this.#signatures.keys();
      if (oldest !== undefined) this.revoke(oldest);
    }
    this.#signatures.set(signature.signature, signature);
    switch (signature.kind) {
      case "exact-digest":
        this.#exact.set(`${signature.operation} ${signature.inputDigest}`, signature);
        break;
      default:
        unreachable(signature.kind);
    }
  }

  revoke(name: string): void {
    const signature = this.#signatures.get(name);
    if (!signature) return;
    this.#signatures.delete(name);
    this.#exact.delete(`${signature.operation} ${signature.inputDigest}`);
  }

  signaturesOf(requestId: RequestId): MalformedSignature[] {
    return [...this.#signatures.values()].filter((signature) => signature.requestId === requestId);
  }

  /** Oldest first, as they came. */
  export(): {
    readonly principals: readonly Block[];
    readonly addresses: readonly Block[];
    readonly signatures: readonly MalformedSignature[];
  } {
    const principals = [...this.#principals].map(([principal, block]) => ({ ...block, principal }));
    const addresses = [...this.#addresses].map(([address, block]) => ({ ...block, address }));
    return { principals, addresses, signatures: [...this.#signatures.values()] };
  }

  restore({ principals, addresses, signatures }: ReturnType<Quarantine["export"]>): void {
    for (const block of principals) if (block.principal !== undefined) this.#principals.set(block.principal, block);
    for (const block of addresses) if (block.address !== undefined) this.#addresses.set(block.address, block);
    for (const signature of signatures) this.learn(signature);
  }

  match(request: ScreenedRequest): MalformedSignature | undefined {
    return this.#exact.get(`${request.operation} ${request.inputDigest}`);
  }
}

function addBounded(blocks: Map<string, Block>, name: string, block: Block): void {
  if (blocks.size >= BLOCKS_MAX) {
    const [oldest] = blocks.keys();
    if (oldest !== undefined) blocks.delete(oldest);
  }
  blocks.set(name, block);
}
