/** What must be so of the addresses of a network, in a few lines and without a store. */
import { type AttachmentKey, formatAttachment } from "../../lib/attachment.ts";
import type { Reason } from "../../lib/errors.ts";
import type { Moment } from "../../lib/store/resting.ts";

/** A configuration, and what it may give: an address of each set. */
export interface ModelSetting {
  /** The `ipam` section. */
  readonly ipam: Readonly<Record<string, unknown>>;
  readonly sets: readonly ModelSet[];
  /** How long addresses rest after their release. */
  readonly restMs: number;
}

/** The addresses of a range set. */
export interface ModelSet {
  /** Given to anybody. */
  readonly given: readonly string[];
  /** Given to those who ask for them by name. */
  readonly reserved?: readonly string[];
  /** Given to nobody: gateways, and what is excluded. */
  readonly refused: readonly string[];
}

/** What an attachment has. */
export interface ModelLease {
  readonly key: AttachmentKey;
  readonly addresses: readonly string[];
  readonly netns: string;
  readonly bootId: string;
  readonly restMs: number;
}

/**
 * Whoever has an address keeps it; nobody gets one that another has, that rests, or that is not to be
 * given; an ADD fails only when it must.
 */
export class AddressModel {
  /** Paths of the namespaces that are there. */
  readonly netnses: Set<string> = new Set();
  readonly #leases = new Map<string, ModelLease>();
  readonly #now: Moment;
  #resting: { readonly address: string; readonly untilMs: number }[] = [];
  /** No ADD has been in this boot yet. */
  #isNewBoot = true;

  /** @param now the clock of the boot, which goes on. */
  constructor(now: Moment) {
    this.#now = now;
  }

  get leases(): ModelLease[] {
    return [...this.#leases.values()];
  }

  has(key: AttachmentKey): boolean {
    return this.#leases.has(formatAttachment(key));
  }

  /**
   * What an ADD may answer: one of some addresses, for each set; or why it fails. What earlier boots
   * left goes when it is in the way, all of it at the first ADD of a boot.
   * @param asked an address by name.
   */
  expectAdd(key: AttachmentKey, setting: ModelSetting, asked?: string): string[][] | Reason {
    if (this.#isNewBoot) this.forgetDead();
    this.#isNewBoot = false;
    if (this.#isDead(key)) this.#leases.delete(formatAttachment(key));
    if (this.has(key)) return "already-attached";
    const offers = this.#offers(setting, asked);
    if (offers !== "pool-exhausted") return offers;
    this.forgetDead();
    return this.#offers(setting, asked);
  }

  /** What it answered. */
  add(lease: ModelLease): void {
    this.#leases.set(formatAttachment(lease.key), lease);
    this.#resting = this.#resting.filter(({ address }) => !lease.addresses.includes(address));
  }

  /** A DEL, or a GC that has a list without it. */
  release(key: AttachmentKey): void {
    const { addresses = [], restMs = 0 } = this.#leases.get(formatAttachment(key)) ?? {};
    this.#leases.delete(formatAttachment(key));
    if (restMs === 0) return;
    const untilMs = this.#now.uptimeMs + restMs;
    this.#resting.push(...addresses.map((address) => ({ address, untilMs })));
  }

  /** Leases of other boots whose namespace is gone: nobody had their addresses in this one. */
  forgetDead(): void {
    for (const { key } of this.leases) {
      if (this.#isDead(key)) this.#leases.delete(formatAttachment(key));
    }
  }

  /** The clock begins anew, and with the boot ends all rest. */
  reboot(): void {
    this.#resting = [];
    this.#isNewBoot = true;
  }

  #isDead(key: AttachmentKey): boolean {
    const lease = this.#leases.get(formatAttachment(key));
    return lease !== undefined && lease.bootId !== this.#now.bootId &&
      !this.netnses.has(lease.netns);
  }

  #offers({ sets }: ModelSetting, asked = ""): string[][] | Reason {
    const offers: string[][] = [];
    for (const { given, reserved = [], refused } of sets) {
      const isAsked = [...given, ...reserved, ...refused].includes(asked);
      const offer = isAsked
        ? this.#untaken([...given, ...reserved]).filter((address) => address === asked)
        : this.#best(given);
      if (offer.length === 0) return isAsked ? "address-unavailable" : "pool-exhausted";
      offers.push(offer);
    }
    return offers;
  }

  /** Those that do not rest; if all do, those that rested longest. */
  #best(given: readonly string[]): string[] {
    const untaken = this.#untaken(given);
    const resting = this.#resting
      .filter(({ address, untilMs }) => untilMs > this.#now.uptimeMs && untaken.includes(address));
    const fresh = untaken.filter((address) => !resting.some((one) => one.address === address));
    const firstMs = Math.min(...resting.map(({ untilMs }) => untilMs));
    const longest = resting.filter(({ untilMs }) => untilMs === firstMs);
    return fresh.length > 0 ? fresh : longest.map(({ address }) => address);
  }

  #untaken(addresses: readonly string[]): string[] {
    const taken = this.leases.flatMap((lease) => lease.addresses);
    return addresses.filter((address) => !taken.includes(address));
  }
}
