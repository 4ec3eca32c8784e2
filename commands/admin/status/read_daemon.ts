/** What the daemon of this node says, or why it says nothing. */
import * as v from "valibot";
import { askDaemon, DaemonSilent, parseStatus } from "../../../lib/daemon/ask_daemon.ts";
import { errorText } from "../../../lib/errors.ts";

/** The daemon, as it is told. */
export interface DaemonView {
  /** `unknown` when it could not be asked, though it may run. */
  readonly state: "running" | "stopped" | "unknown";
  /** Its release; null, as all below, unless it runs. */
  readonly version: string | null;
  readonly pid: number | null;
  /** RFC 3339. */
  readonly started: string | null;
  readonly ready: boolean | null;
  /** Why the node is not ready. */
  readonly reasons: readonly string[];
  readonly warnings: readonly string[];
}

const Texts = v.array(v.string());
const MaybeText = v.nullable(v.string());

/** Of `/status` what is told here; the daemon may be of another release, which says more. */
const ToldStatus = v.object({
  version: v.string(),
  pid: v.optional(v.nullable(v.number()), null),
  started: v.optional(MaybeText, null),
  ready: v.boolean(),
  reasons: Texts,
  warnings: Texts,
  podCidrs: Texts,
  source: MaybeText,
  origin: MaybeText,
  since: MaybeText,
  sources: Texts,
  repairs: v.record(v.string(), v.number()),
  mesh: v.nullable(v.object({
    connected: v.boolean(),
    state: MaybeText,
    trouble: MaybeText,
    controlServer: MaybeText,
    addresses: Texts,
    peers: v.number(),
    keyExpiry: MaybeText,
    advertised: Texts,
    served: Texts,
  })),
});

/** What a daemon that runs tells of its node. */
export type ToldStatus = v.InferOutput<typeof ToldStatus>;

/** What came of asking. */
export interface DaemonSight {
  readonly view: DaemonView;
  /** Undefined unless it runs. */
  readonly told: ToldStatus | undefined;
  /** Why it is not known whether it runs. */
  readonly trouble: string | undefined;
}

/** Asks the daemon at a socket; never throws. */
export async function readDaemon(socket: string): Promise<DaemonSight> {
  try {
    const told = parseStatus(ToldStatus, await askDaemon(socket, "/status"), socket);
    const { version, pid, started, ready, reasons, warnings } = told;
    const view = { state: "running", version, pid, started, ready, reasons, warnings } as const;
    return { view, told, trouble: undefined };
  } catch (error) {
    const isStopped = error instanceof DaemonSilent && error.silence === "stopped";
    return {
      view: { ...NOTHING, state: isStopped ? "stopped" : "unknown" },
      told: undefined,
      trouble: isStopped ? undefined : errorText(error),
    };
  }
}

const NOTHING = {
  version: null,
  pid: null,
  started: null,
  ready: null,
  reasons: [],
  warnings: [],
} as const;
