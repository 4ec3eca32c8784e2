/** How the node gets into its tailnet, and back into it when its key expires. */
import { ConfigError, errorText } from "../../errors.ts";
import type { HeadscaleClient } from "../../headscale/client.ts";
import { log } from "../../log.ts";
import { planKeyRequest } from "../../mesh/key_request.ts";
import type { LoginDecision } from "../../mesh/login.ts";
import type { LocalApi } from "../../tailscale/local_api.ts";
import { logIn } from "../../tailscale/log_in.ts";
import type { Settings } from "../settings/settings.ts";
import { inTime } from "./in_time.ts";
import { liftExpiry } from "./lift_expiry.ts";

/** First and longest time between two attempts, in milliseconds: each may cost a key. */
const FIRST_DELAY_MS = 15_000;
const MAX_DELAY_MS = 600_000;
/** Longest time for what Headscale is asked for before a login, in milliseconds. */
const HEADSCALE_DEADLINE_MS = 45_000;

/** What an attempt works with. */
export interface JoinTools {
  readonly api: Pick<LocalApi, "status" | "start" | "loginInteractive" | "editPrefs">;
  /** Asked only at a login; undefined when no API key is given. */
  headscale(): Pick<HeadscaleClient, "createPreAuthKey" | "findNode" | "disableExpiry"> | undefined;
  /** Of this node when it was in last; undefined when it never was. */
  readonly nodeKey: string | undefined;
  readonly tailscale: Settings["tailscale"];
  /** Of `performance.now`. */
  readonly clockMs: number;
}

/** Attempts to join, with more and more time between them. */
export class TailnetJoin {
  #delayMs = FIRST_DELAY_MS;
  #notBeforeMs = -Infinity;
  /** Why the last attempt failed; undefined when it did not. */
  #trouble: string | undefined;
  #attempts = 0;
  #hasTriedAuthKey = false;

  /** How often it was tried to log in. */
  get attempts(): number {
    return this.#attempts;
  }

  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** Whether the key that was given was tried since the node was last in. */
  get hasTriedAuthKey(): boolean {
    return this.#hasTriedAuthKey;
  }

  /** The node is in: the next time is the first one again. */
  arrived(): void {
    this.#delayMs = FIRST_DELAY_MS;
    this.#notBeforeMs = -Infinity;
    this.#trouble = undefined;
    this.#hasTriedAuthKey = false;
  }

  /** Does what was decided; answers whether anything was done. A failure is kept in `trouble`. */
  async attempt(decision: LoginDecision, tools: JoinTools): Promise<boolean> {
    if (decision.kind !== "start" && decision.kind !== "login") return false;
    if (tools.clockMs < this.#notBeforeMs) return false;
    this.#notBeforeMs = tools.clockMs + this.#delayMs;
    this.#delayMs = Math.min(this.#delayMs * 2, MAX_DELAY_MS);
    log.info(decision.kind === "start" ? "Start the tailnet" : "Join the tailnet", {
      reason: decision.reason,
    });
    try {
      if (decision.kind === "start") await tools.api.editPrefs({ wantRunning: true });
      else await this.#logIn(decision, tools);
      this.#trouble = undefined;
    } catch (error) {
      this.#trouble = errorText(error);
      log.warn("Cannot join the tailnet", { error });
    }
    return true;
  }

  async #logIn(
    { by, controlUrl }: LoginDecision & { readonly kind: "login" },
    tools: JoinTools,
  ): Promise<void> {
    this.#attempts++;
    const authKey = await inTime(prepareKey(by, tools), HEADSCALE_DEADLINE_MS);
    if (authKey === undefined) return;
    this.#hasTriedAuthKey ||= by === "auth-key";
    await logIn(tools.api, { authKey, ...controlUrl !== undefined && { change: { controlUrl } } });
  }
}

/** The key to log in by; a node that Headscale would not take with it is seen to first. */
async function prepareKey(
  by: "auth-key" | "minted-key",
  tools: JoinTools,
): Promise<string | undefined> {
  const headscale = tools.headscale();
  if (headscale && tools.nodeKey !== undefined) await liftExpiry(headscale, tools.nodeKey);
  return by === "auth-key" ? tools.tailscale.authKey?.reveal() : await mintKey(tools);
}

/** @throws ConfigError when the settings do not say whose the node is to be. */
async function mintKey(
  { headscale, tailscale }: JoinTools,
): Promise<string | undefined> {
  const request = planKeyRequest(tailscale);
  if (!request) {
    throw new ConfigError(
      "invalid-config",
      "Cannot make a pre-auth key: name tailscale.tags, or tailscale.user",
    );
  }
  return (await headscale()?.createPreAuthKey(request))?.key;
}
