/**
 * A client of tailscaled's LocalAPI: HTTP on a socket that any user may read by and only root, or the
 * operator, may change things by. Tailscale keeps status, prefs, whois and start as they are; of the
 * rest, and of every answer, as little is relied on as can be.
 */
import * as v from "valibot";
import type { PrefsChange, TailnetPrefs, TailnetStatus } from "../mesh/tailnet.ts";
import { type Address, formatAddress } from "../net/address.ts";
import { maskedPrefs, parsePrefs, wholePrefs } from "./prefs.ts";
import { parseStatus } from "./status.ts";
import { type Asked, failureOf, nonsenseOf, refusalOf, TailscaleError } from "./tailscale_error.ts";
import { triggersOf } from "./triggers.ts";
import { askUnix, type UnixAnswer, type UnixRequest } from "./unix_http.ts";
import { parseWhois, type Whois } from "./whois.ts";
import { wireText } from "./wire.ts";

/** The name that LocalAPI wants to be called by: tailscale, client/tailscale/apitype. */
const HOST = "local-tailscaled.sock";
/** Longest time for what tailscaled answers by itself; a big status takes it less than one second. */
const DEADLINE_MS = 5_000;
/** Longest time for what it asks others for: peers that are pinged, the control server at a logout. */
const REMOTE_DEADLINE_MS = 15_000;

/**
 * What the bus tells of: `NotifyInitialState`, so that something comes at once, and
 * `NotifyPeerChanges`, without which 1.100 and later tell nothing of peers; tailscale, ipn/backend.go.
 * No `NotifyRateLimit`: those may refuse it beside the other.
 */
const BUS_MASK = (1 << 1) | (1 << 12);

/** How a peer is pinged: by WireGuard's paths alone, or through its tunnel; tailcfg.PingType. */
export type PingType = "disco" | "TSMP" | "ICMP" | "peerapi";

/** What came of a ping. */
export type PingOutcome =
  | {
    readonly latencyMs: number;
    /** Address and port of the direct way that it took; empty when there was none. */
    readonly endpoint: string;
    /** Code of the DERP region that it went by; empty for a direct way. */
    readonly relay: string;
  }
  | { readonly error: string };

/** How tailscaled is started anew. */
export interface StartOptions {
  /** A pre-auth key, for a node key that is new or expired. */
  readonly authKey?: string | undefined;
  /** What of its preferences changes first: another control server takes effect only so. */
  readonly change?: PrefsChange;
}

/**
 * A client of one tailscaled; dispose of it to end what is under way. Every method throws a
 * TailscaleError when it is not done.
 */
export class LocalApi implements Disposable {
  readonly socket: string;
  readonly #closed = new AbortController();
  readonly #deadlineMs: number;
  readonly #remoteDeadlineMs: number;

  /**
   * @param socket path of its socket; it need not be there yet.
   * @param deadlines others than those of the daemon.
   */
  constructor(
    socket: string,
    deadlines: { readonly ms?: number; readonly remoteMs?: number } = {},
  ) {
    this.socket = socket;
    this.#deadlineMs = deadlines.ms ?? DEADLINE_MS;
    this.#remoteDeadlineMs = deadlines.remoteMs ?? REMOTE_DEADLINE_MS;
  }

  /** @param options.peers false leaves them out: a large tailnet has thousands. */
  async status({ peers = true }: { readonly peers?: boolean } = {}): Promise<TailnetStatus> {
    const asked = this.#asked("read the status of");
    const answer = await this.#json(asked, `status?peers=${peers}`);
    return sense(asked, () => parseStatus(answer));
  }

  async prefs(): Promise<TailnetPrefs> {
    const asked = this.#asked("read the preferences of");
    const answer = await this.#json(asked, "prefs");
    return sense(asked, () => parsePrefs(answer));
  }

  /**
   * Changes preferences, each at once and for good; a new control server only counts from
   * {@linkcode start} on.
   * @returns all of them afterwards.
   */
  async editPrefs(change: PrefsChange): Promise<TailnetPrefs> {
    const asked = this.#asked("change the preferences of");
    const answer = await this.#json(asked, "prefs", { method: "PATCH", body: maskedPrefs(change) });
    return sense(asked, () => parsePrefs(answer));
  }

  /**
   * Starts its work anew; a login that is under way is dropped. See {@linkcode logIn} for all that a
   * login takes.
   */
  async start({ authKey, change }: StartOptions = {}): Promise<void> {
    const asked = this.#asked("start");
    const body = {
      ...authKey !== undefined && { AuthKey: authKey },
      ...change && { UpdatePrefs: wholePrefs(await this.#rawPrefs(asked), change) },
    };
    await this.#json(asked, "start", { method: "POST", body, secret: authKey });
  }

  /** Logs in with a new node key: by the pre-auth key of the last start, else a URL in the status. */
  async loginInteractive(): Promise<void> {
    await this.#json(this.#asked("log in by"), "login-interactive", { method: "POST" });
  }

  /**
   * Gives the node key up, and tells the control server. All preferences go with it, that server too.
   */
  async logout(): Promise<void> {
    const asked = this.#asked("log out by", this.#remoteDeadlineMs);
    await this.#json(asked, "logout", { method: "POST" });
  }

  /** What the node lacks to forward the packets of its routes; empty when nothing. */
  async checkIpForwarding(): Promise<string> {
    const asked = this.#asked("check forwarding by");
    const answer = await this.#json(asked, "check-ip-forwarding");
    return sense(asked, () => v.parse(v.object({ Warning: wireText }), answer).Warning);
  }

  /** The node that has an address of the tailnet; undefined when none does. */
  async whois(address: Address): Promise<Whois | undefined> {
    const text = formatAddress(address);
    const asked = this.#asked(`find the owner of "${text}" by`);
    const path = `whois?addr=${encodeURIComponent(text)}`;
    const answer = await this.#json(asked, path, { isAbsent: (status) => status === 404 });
    return answer === undefined ? undefined : sense(asked, () => parseWhois(answer));
  }

  /** Pings a node, or the node that a route leads to. That none answers is an outcome too. */
  async ping(address: Address, type: PingType): Promise<PingOutcome> {
    const text = formatAddress(address);
    const asked = this.#asked(`ping "${text}" by`, this.#remoteDeadlineMs);
    const query = new URLSearchParams({ ip: text, type });
    try {
      const answer = await this.#json(asked, `ping?${query}`, { method: "POST" });
      return sense(asked, () => toPingOutcome(v.parse(Ping, answer)));
    } catch (error) {
      const isOutcome = error instanceof TailscaleError &&
        (error.kind === "refused" || isTimeout(error.cause));
      if (isOutcome) return { error: error.message };
      throw error;
    }
  }

  /**
   * Something comes at once, and whenever something has changed: what, the status tells. What comes
   * while nobody reads is told once. Ends when the signal is aborted, or when tailscaled ends: to ask
   * again is the caller's.
   */
  async *watch(signal: AbortSignal): AsyncGenerator<void> {
    const asked = this.#asked("follow");
    if (signal.aborted) return;
    try {
      const ended = new AbortController();
      const until = AbortSignal.any([signal, ended.signal]);
      try {
        yield* triggersOf(await this.#openBus(asked, until), until);
      } finally {
        ended.abort();
      }
    } catch (cause) {
      if (!signal.aborted) throw failureOf(asked, cause);
    }
  }

  [Symbol.dispose](): void {
    this.#closed.abort();
  }

  #asked(doing: string, deadlineMs = this.#deadlineMs): Asked {
    return { doing: `${doing} tailscaled at "${this.socket}"`, deadlineMs };
  }

  /** As they are, for what takes them whole. */
  async #rawPrefs(asked: Asked): Promise<Readonly<Record<string, unknown>>> {
    const answer = await this.#json(asked, "prefs");
    return sense(asked, () => v.parse(v.record(v.string(), v.unknown()), answer));
  }

  /** The deadline is only for its first word. */
  async #openBus(asked: Asked, until: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    const late = new AbortController();
    const deadline = AbortSignal.timeout(asked.deadlineMs);
    const tooLate = () => late.abort(deadline.reason);
    deadline.addEventListener("abort", tooLate);
    const signal = AbortSignal.any([until, late.signal]);
    const answer = await this.#send({ target: `watch-ipn-bus?mask=${BUS_MASK}` }, signal);
    deadline.removeEventListener("abort", tooLate);
    if (answer.status === 200) return answer.body;
    throw refusalOf(asked, { status: answer.status, said: await textOf(answer) });
  }

  /** The answer as JSON; undefined when it is empty, or when `isAbsent` says so of its status. */
  async #json(asked: Asked, path: string, request: RequestParts = {}): Promise<unknown> {
    const { method = "GET", body, secret, isAbsent = () => false } = request;
    const target = { method, target: path, body: body && JSON.stringify(body) };
    const { status, text } = await this.#send(target, AbortSignal.timeout(asked.deadlineMs)).then(
      async (answer) => ({ status: answer.status, text: await textOf(answer) }),
    ).catch((cause) => {
      throw failureOf(asked, cause);
    });
    if (isAbsent(status)) return undefined;
    if (status < 200 || status > 299) throw refusalOf(asked, { status, said: text, secret });
    return text.trim() === "" ? undefined : sense(asked, () => JSON.parse(text));
  }

  #send(
    { method = "GET", target, body }: Partial<UnixRequest>,
    signal: AbortSignal,
  ): Promise<UnixAnswer> {
    const request = { method, target: `/localapi/v0/${target}`, host: HOST, body };
    return askUnix(this.socket, request, AbortSignal.any([signal, this.#closed.signal]));
  }
}

/** What a request has beside its path. */
interface RequestParts {
  readonly method?: string;
  readonly body?: Readonly<Record<string, unknown>>;
  /** Part of the body that no text may show. */
  readonly secret?: string | undefined;
  readonly isAbsent?: (status: number) => boolean;
}

const Ping = v.object({
  Err: wireText,
  LatencySeconds: v.nullish(v.number(), 0),
  Endpoint: wireText,
  DERPRegionCode: wireText,
});

function toPingOutcome(raw: v.InferOutput<typeof Ping>): PingOutcome {
  if (raw.Err !== "") return { error: raw.Err };
  return {
    latencyMs: raw.LatencySeconds * 1_000,
    endpoint: raw.Endpoint,
    relay: raw.DERPRegionCode,
  };
}

function isTimeout(cause: unknown): boolean {
  return cause instanceof DOMException && cause.name === "TimeoutError";
}

function textOf({ body }: UnixAnswer): Promise<string> {
  return new Response(body).text();
}

/** What a reader of an answer makes of it. */
function sense<Value>(asked: Asked, read: () => Value): Value {
  try {
    return read();
  } catch (cause) {
    throw nonsenseOf(asked, cause);
  }
}
