/**
 * Requests to one Headscale: the API key is in each, and in no error; redirects are not followed, for
 * it would go there.
 */
import * as v from "valibot";
import { ConfigError, errorText } from "../errors.ts";
import { redact, REDACTED } from "../redact.ts";
import { wantedText } from "../schema.ts";
import { HeadscaleError, type HeadscaleFault } from "./headscale_error.ts";
import { explainNoAnswer } from "./no_answer.ts";
import { readBody } from "./read_body.ts";
import { readRefusal } from "./refusal.ts";

/** The way to a Headscale. */
export interface HeadscaleAccess {
  /** Its base address, http or https. */
  readonly url: string;
  /** Reveals the API key; called for each request, for its file may be replaced. */
  readonly apiKey: () => string;
  /** How long one request may take, in milliseconds. */
  readonly timeoutMs: number;
  /** How often a request that may be repeated is sent again. */
  readonly retries: number;
  /** Certificates in PEM, beside those of the system, that its own may come from. */
  readonly caPem?: string | undefined;
  /** How long the first pause before a repetition is, in milliseconds. */
  readonly firstPauseMs?: number;
}

/** One request. */
export interface HeadscaleRequest {
  readonly method: "GET" | "POST" | "DELETE";
  /** Below the base address; no part of it comes from outside unencoded. */
  readonly path: string;
  readonly body?: unknown;
  /** True when sending it twice does no more than sending it once. */
  readonly isRepeatable: boolean;
}

/** Headscale tells some 2 KiB of each node, and older releases tell it with each of its routes. */
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;
const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 10_000;

/** A connection to one Headscale; dispose of it to end what is under way. */
export class HeadscaleConnection implements Disposable {
  /** Its base address, without a slash at its end. */
  readonly url: string;
  readonly #access: HeadscaleAccess;
  readonly #http: Deno.HttpClient;
  readonly #underWay = new Set<AbortController>();
  #isClosed = false;

  /** @throws ConfigError when `caPem` holds no certificate, or `url` is none. */
  constructor(access: HeadscaleAccess) {
    this.#access = access;
    this.url = baseOf(access.url);
    this.#http = openClient(access.caPem);
  }

  /**
   * Sends a request, again when it may be repeated and may succeed then, and reads its answer.
   * @throws HeadscaleError; what `apiKey` throws.
   */
  async ask<Schema extends v.GenericSchema>(
    request: HeadscaleRequest,
    schema: Schema,
  ): Promise<v.InferOutput<Schema>> {
    const { retries, firstPauseMs = FIRST_PAUSE_MS } = this.#access;
    for (let sent = 1;; sent++) {
      try {
        return await this.#send(request, schema);
      } catch (error) {
        const mayPass = error instanceof HeadscaleError && error.mayPass;
        if (!mayPass || !request.isRepeatable || sent > retries || this.#isClosed) throw error;
      }
      await this.#within(pauseMs(sent, firstPauseMs, Math.random()), aborted);
    }
  }

  [Symbol.dispose](): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const control of this.#underWay) control.abort(new Error("the client is closed"));
    this.#http.close();
  }

  async #send<Schema extends v.GenericSchema>(
    request: HeadscaleRequest,
    schema: Schema,
  ): Promise<v.InferOutput<Schema>> {
    const { method, path } = request;
    const key = this.#access.apiKey();
    const fail = (seen: string, fault: HeadscaleFault) => {
      const what = `${method} ${path.split("?")[0]}`;
      const text = withoutSecret(
        `Cannot ask Headscale at "${this.url}" for "${what}": ${seen}`,
        key,
      );
      return new HeadscaleError(text, fault);
    };
    if (!/^[\x21-\x7e]+$/.test(key)) {
      throw fail("headscale.authKey has characters that no API key has", { status: 0 });
    }
    if (this.#isClosed) throw fail("the client is closed", { status: 0 });
    return await this.#within(this.#access.timeoutMs, async (signal) => {
      const response = await this.#fetch(request, key, signal).catch((cause) => {
        throw fail(...this.#noAnswer(cause));
      });
      const body = await this.#read(response, fail);
      if (!response.ok) {
        const { status, statusText } = response;
        const { text, ...fault } = readRefusal({ status, statusText, body });
        throw fail(text, fault);
      }
      return parseAnswer(schema, body, response, fail);
    });
  }

  #fetch(request: HeadscaleRequest, key: string, signal: AbortSignal) {
    const headers = new Headers({ accept: "application/json", authorization: `Bearer ${key}` });
    if (request.body !== undefined) headers.set("content-type", "application/json");
    return fetch(this.url + request.path, {
      method: request.method,
      headers,
      ...request.body !== undefined && { body: JSON.stringify(request.body) },
      client: this.#http,
      redirect: "manual",
      signal,
    });
  }

  /** The text of an answer that is no redirect. */
  async #read(response: Response, fail: Fail): Promise<string> {
    const { status } = response;
    if (status >= 300 && status < 400) {
      await response.body?.cancel();
      const where = URL.parse(response.headers.get("location") ?? "", this.url)?.origin ??
        "nowhere";
      throw fail(
        `${status}: it redirects to "${where}", where the API key must not go; ` +
          "set headscale.url to Headscale itself",
        { status },
      );
    }
    const body = await readBody(response, MAX_ANSWER_BYTES).catch((cause) => {
      throw fail(...this.#noAnswer(cause));
    });
    if (body !== undefined) return body;
    throw fail(`its answer has more than ${MAX_ANSWER_BYTES} bytes`, { status });
  }

  #noAnswer(cause: unknown): [seen: string, fault: HeadscaleFault] {
    if (cause instanceof DOMException && cause.name === "TimeoutError") {
      const text = `no answer in ${this.#access.timeoutMs} ms; see headscale.url and its log`;
      return [text, { status: 0, mayPass: true, cause }];
    }
    const { text, mayPass } = explainNoAnswer(cause, this.#access.caPem !== undefined);
    return [text, { status: 0, mayPass, cause }];
  }

  /** Works with a signal that is aborted after a time, or when the connection is closed. */
  async #within<Value>(
    milliseconds: number,
    work: (signal: AbortSignal) => Promise<Value>,
  ): Promise<Value> {
    const control = new AbortController();
    const end = () => control.abort(new DOMException("time is up", "TimeoutError"));
    const timer = setTimeout(end, milliseconds);
    this.#underWay.add(control);
    try {
      return await work(control.signal);
    } finally {
      clearTimeout(timer);
      this.#underWay.delete(control);
    }
  }
}

/**
 * How long to wait before a request is sent again, in milliseconds: twice as long each time, up to a
 * bound, and from half of that on at random, so that many nodes do not come at once.
 * @param sent how often it was sent.
 * @param random from 0 to 1.
 */
export function pauseMs(sent: number, firstMs: number, random: number): number {
  const longest = Math.min(firstMs * 2 ** (sent - 1), MAX_PAUSE_MS);
  return longest * (1 + random) / 2;
}

type Fail = (seen: string, fault: HeadscaleFault) => HeadscaleError;

/** Its faults tell no values: nodes of older releases carry their pre-auth keys. */
function parseAnswer<Schema extends v.GenericSchema>(
  schema: Schema,
  body: string,
  { status, headers }: Response,
  fail: Fail,
): v.InferOutput<Schema> {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    // Not told why: the text of that error shows a piece of the answer.
    const type = headers.get("content-type") ?? "no type";
    throw fail(
      `its answer is no JSON (${type}); that is not Headscale's API: see headscale.url and a proxy ` +
        "before it",
      { status },
    );
  }
  const outcome = v.safeParse(schema, value);
  if (outcome.success) return outcome.output;
  const faults = outcome.issues.map((issue) =>
    `${v.getDotPath(issue) ?? "(top level)"}: ${wantedText(issue)}`
  );
  throw fail(`its answer makes no sense: ${faults.slice(0, 3).join("; ")}`, { status });
}

function openClient(caPem: string | undefined): Deno.HttpClient {
  if (caPem === undefined) return Deno.createHttpClient({});
  try {
    // Deno takes a text without any certificate for an empty list of them.
    if (!caPem.includes("-----BEGIN CERTIFICATE-----")) throw new Error("it holds no certificate");
    return Deno.createHttpClient({ caCerts: [caPem] });
  } catch (cause) {
    throw new ConfigError(
      "invalid-config",
      `Cannot use the certificates of headscale.caFile: ${errorText(cause)}; they must be PEM`,
      { cause },
    );
  }
}

function baseOf(url: string): string {
  const parsed = URL.parse(url);
  if (parsed && /^https?:$/.test(parsed.protocol)) {
    return parsed.origin + parsed.pathname.replace(/\/+$/, "");
  }
  throw new ConfigError("invalid-config", "Cannot use headscale.url: an http or https URL wanted");
}

/** Names of hosts are written small, also those that somebody makes of a key. */
function withoutSecret(text: string, key: string): string {
  const spellings = key === "" ? [] : [key, key.toLowerCase()];
  return String(redact(spellings.reduce((rest, one) => rest.replaceAll(one, REDACTED), text)));
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
