/** Whether tailscaled is to be logged in, and by what. */
import { hasExpiredKey } from "./key_expiry.ts";
import type { TailnetPrefs, TailnetStatus } from "./tailnet.ts";
import { tailscaleCommand } from "./tailscale_command.ts";
import type { MeshMode } from "./wanted_prefs.ts";

/** What a login can be made of. */
export interface LoginMeans {
  readonly mode: MeshMode;
  /** Where that tailscaled listens: for what a person is told to type. */
  readonly socket?: string | undefined;
  /** The control server that the node is to be at; undefined: wherever it is. */
  readonly controlUrl?: string | undefined;
  /** A pre-auth key was given to us. */
  readonly canUseAuthKey: boolean;
  /** It was tried since the node was last in: it may be spent. */
  readonly hasTriedAuthKey?: boolean;
  /** An API key was given to us, with which Headscale makes one. */
  readonly canMintKey: boolean;
}

/** What to do. */
export type LoginDecision =
  | { readonly kind: "none" }
  /** It goes on without us, or an administrator has to act. */
  | { readonly kind: "wait"; readonly reason: string }
  /** `WantRunning` alone. */
  | { readonly kind: "start"; readonly reason: string }
  | {
    readonly kind: "login";
    readonly by: "auth-key" | "minted-key";
    readonly reason: string;
    /** Where to, when tailscaled does not have it yet. */
    readonly controlUrl?: string;
  }
  | { readonly kind: "blocked"; readonly reason: string; readonly fix: string };

/**
 * What to do so that the node is in its tailnet. A tailscaled of the machine that is logged in to
 * another server, or that a person has stopped, is never touched. While a login is under way tailscaled
 * goes on to say `NeedsLogin`: the caller keeps tries apart.
 * @param nowMs milliseconds since 1970.
 */
export function decideLogin(
  status: TailnetStatus,
  prefs: TailnetPrefs,
  means: LoginMeans,
  nowMs: number,
): LoginDecision {
  const state = status.backendState;
  if (!status.hasTun) return NO_TUN;
  if (state === "InUseOtherUser") return OTHER_USER;
  if (state === "NoState") return wait("tailscaled has just started");
  const elsewhere = describeElsewhere(status, prefs, means);
  if (elsewhere !== undefined && means.mode === "host") {
    const fix = `log it out yourself (${tailscaleCommand(means.socket, "logout")}), ` +
      "or stop it and set tailscale.mode to own";
    return { kind: "blocked", reason: elsewhere, fix };
  }
  if (elsewhere !== undefined) return login(status, prefs, means, elsewhere);
  if (means.mode === "host" && isHeldDown(status, prefs)) {
    const fix = `take it up again when it may run: ${tailscaleCommand(means.socket, "up")}`;
    return { kind: "blocked", reason: HELD_DOWN, fix };
  }
  if (isKeyOver(status, nowMs)) return login(status, prefs, means, EXPIRED);
  if (needsKey(status)) return login(status, prefs, means, needsLogin(prefs));
  if (state === "NeedsMachineAuth") return wait("an administrator has to approve the node");
  // It has its key until the server knows: ipn/ipnlocal/local.go, `Logout`.
  if (state === "Stopped" && prefs.loggedOut) return wait("the node is being logged out");
  // Of our own: ours to run.
  if (state === "Stopped") return { kind: "start", reason: "tailscaled is logged in, but down" };
  if (state === "Running") return { kind: "none" };
  return wait(`tailscaled is in the state "${state}"`);
}

/** True when both name one control server: of a URL counts where it leads. */
export function isSameServer(one: string, other: string): boolean {
  return serverOf(one) === serverOf(other);
}

const NO_TUN: LoginDecision = {
  kind: "blocked",
  reason: "tailscaled runs with userspace networking: the kernel, and so the pods, know no tailnet",
  fix: "give it /dev/net/tun, and start it without --tun=userspace-networking",
};

const OTHER_USER: LoginDecision = {
  kind: "blocked",
  reason: "another user of this machine has tailscaled for himself",
  fix: "set tailscale.mode to own, or end what that user runs",
};

const HELD_DOWN = "tailscaled is logged in, but a person has stopped it (tailscale down)";

const EXPIRED = "the key of the node has expired";

/** Both names of tailscale's own server, ipn/prefs.go: `IsLoginServerSynonym`. */
const SYNONYMS = new Map([[
  "https://login.tailscale.com",
  "https://controlplane.tailscale.com",
]]);

function serverOf(text: string): string {
  if (!URL.canParse(text)) return text;
  const { origin, pathname } = new URL(text);
  return `${SYNONYMS.get(origin) ?? origin}${pathname.replace(/\/+$/, "")}`;
}

/** What it says of a tailscaled that is logged in to another server than ours. */
function describeElsewhere(
  { hasNodeKey }: TailnetStatus,
  { controlUrl, loggedOut }: TailnetPrefs,
  means: LoginMeans,
): string | undefined {
  if (means.controlUrl === undefined || controlUrl === "" || !hasNodeKey || loggedOut) return;
  if (isSameServer(controlUrl, means.controlUrl)) return;
  return `tailscaled is logged in to "${controlUrl}", not to "${means.controlUrl}"`;
}

/** One that runs has its control server's word for its key: a clock that is ahead proves nothing. */
function isKeyOver({ backendState, self }: TailnetStatus, nowMs: number): boolean {
  return backendState === "Running" ? self?.isExpired === true : hasExpiredKey(self, nowMs);
}

/** What `tailscale down` does. The state may be older than the preferences, or they than it. */
function isHeldDown(
  { backendState, hasNodeKey }: TailnetStatus,
  { wantRunning, loggedOut }: TailnetPrefs,
): boolean {
  return hasNodeKey && !loggedOut && (!wantRunning || backendState === "Stopped");
}

/** One that was logged out while somebody started it goes on to start for ever. */
function needsKey({ backendState, hasNodeKey }: TailnetStatus): boolean {
  return backendState === "NeedsLogin" ||
    !hasNodeKey && (backendState === "Stopped" || backendState === "Starting");
}

function needsLogin({ loggedOut }: TailnetPrefs): string {
  return loggedOut ? "the node was logged out" : "the node is not logged in";
}

function login(
  { authUrl }: TailnetStatus,
  prefs: TailnetPrefs,
  means: LoginMeans,
  reason: string,
): LoginDecision {
  const by = chooseKey(means, reason === EXPIRED);
  if (by === undefined) {
    const byHand = authUrl === "" ? "" : `, or log it in at ${authUrl}`;
    return { kind: "blocked", reason, fix: `${GIVE_KEY}${byHand}` };
  }
  const { controlUrl } = means;
  return controlUrl === undefined || isSameServer(prefs.controlUrl, controlUrl)
    ? { kind: "login", by, reason }
    : { kind: "login", by, reason, controlUrl };
}

const GIVE_KEY = "give a pre-auth key (tailscale.authKey) or an API key (headscale.authKey)";

/** A pre-auth key that was used once may be spent when the node needs one again. */
function chooseKey(
  { canUseAuthKey, hasTriedAuthKey = false, canMintKey }: LoginMeans,
  isAgain: boolean,
): "auth-key" | "minted-key" | undefined {
  if (canMintKey && (isAgain || hasTriedAuthKey || !canUseAuthKey)) return "minted-key";
  return canUseAuthKey ? "auth-key" : undefined;
}

function wait(reason: string): LoginDecision {
  return { kind: "wait", reason };
}
