/** What the upkeep of a node needs, and what comes of it. */
import type { AttachContext } from "../attach/context.ts";
import { errorText } from "../errors.ts";
import type { Prefix } from "../net/prefix.ts";
import type { Masquerade } from "../nft/masquerade.ts";
import type { MssClamp } from "../nft/mss_clamp.ts";
import type { DatapathPart, DatapathWant } from "../node/datapath.ts";
import type { Store } from "../store/store.ts";

/** The kernel's packet filter as the daemon uses it: `lib/linux/keeper.ts`. */
export interface Keeper {
  setMasquerade(want: Masquerade, askAgain: () => Promise<Masquerade>): Promise<string[]>;
  setForwardAccept(podCidrs: readonly Prefix[]): string[];
  setMssClamp(want: MssClamp): string[];
  findUnknownToFirewalld(networks: readonly Prefix[], bridge: string): Prefix[];
  removeTable(): boolean;
}

/** What the upkeep works with. */
export interface UpkeepContext {
  readonly attach: AttachContext;
  readonly keeper: Keeper;
  /** Lets the packets of pods pass in a firewall of ip_tables: `lib/delegate/legacy_forward.ts`. */
  setLegacyForward(podCidrs: readonly Prefix[]): Promise<string[]>;
  /** All stores of the node: other networks may have their own. */
  readonly stores: readonly Store[];
  /** Why others of them cannot be read: then what they know is taken away nowhere. */
  readonly unread: readonly string[];
}

/** What the node is to be. */
export interface UpkeepWant extends DatapathWant {
  /** Name of the network that the daemon configures. */
  readonly network: string;
  readonly serviceCidrs: readonly Prefix[];
  readonly ipMasq: boolean;
  /** False exempts the tailnet's own ranges from masquerade. */
  readonly ipMasqTailnet: boolean;
  /** Networks of pods elsewhere that no cluster network tells of: they are not masqueraded to. */
  readonly remotePodCidrs: readonly Prefix[];
  /** Name of the link to the tailnet, which may not be there; undefined where there is no tailnet. */
  readonly tailnetDevice: string | undefined;
}

/** What was mended: a label of a metric. */
export type UpkeepPart =
  | DatapathPart
  | "masquerade"
  | "forward_accept"
  | "mss_clamp"
  | "lease"
  | "host_port"
  | "link";

/** One thing that was done, or that could not be done. */
export interface UpkeepEvent {
  readonly part: UpkeepPart;
  /** A command that would do the same, or the error. */
  readonly text: string;
}

/** What came of one pass. */
export interface UpkeepOutcome {
  readonly changes: readonly UpkeepEvent[];
  readonly failures: readonly UpkeepEvent[];
  /** What others do to pods that is not ours to change, and what to do about it: one text each. */
  readonly warnings: readonly string[];
}

/** Collects what one pass does; one failure keeps nothing else from being done. */
export class UpkeepLog implements UpkeepOutcome {
  readonly changes: UpkeepEvent[] = [];
  readonly failures: UpkeepEvent[] = [];
  readonly warnings: string[] = [];

  /** Tells of changes. */
  add(part: UpkeepPart, texts: readonly string[]): void {
    this.changes.push(...texts.map((text) => ({ part, text })));
  }

  /** Tells of a failure. */
  fail(part: UpkeepPart, text: string): void {
    this.failures.push({ part, text });
  }

  /** Runs what answers its changes; an error is a failure of the part. */
  async attempt(
    part: UpkeepPart,
    act: () => readonly string[] | Promise<readonly string[]>,
  ): Promise<void> {
    try {
      this.add(part, await act());
    } catch (error) {
      this.fail(part, errorText(error));
    }
  }
}
