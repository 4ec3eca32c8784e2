/** The few requests to the API server that a node makes: its own Node, read, watched and patched. */
import * as v from "valibot";
import { ClientError, errorText, innermostText } from "../errors.ts";
import { parseWith } from "../schema.ts";
import type { KubeAccess } from "./access.ts";

/** What we read of a Node. */
export interface KubeNode {
  readonly name: string;
  readonly resourceVersion: string;
  /** `spec.podCIDRs`, else `spec.podCIDR`; none before they are assigned. */
  readonly podCidrs: readonly string[];
  readonly annotations: Readonly<Record<string, string>>;
  /** Status of the condition `NetworkUnavailable`, when the node has it. */
  readonly networkUnavailable: string | undefined;
}

/** An event of a watch. */
export type NodeEvent =
  | { readonly type: "node"; readonly node: KubeNode }
  | { readonly type: "deleted" }
  /** Where to go on, without news. */
  | { readonly type: "bookmark"; readonly resourceVersion: string };

/** A request that the API server refused, or could not be asked. */
export class KubeError extends ClientError {
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;

  constructor(status: number, message: string, options: ErrorOptions = {}) {
    super("delegate-failure", message, options);
    this.status = status;
  }
}

/** Longest time for a request that is no watch, in milliseconds. */
const DEADLINE_MS = 10_000;
/** How long the API server keeps a watch, in seconds. */
const WATCH_SECONDS = 300;
/**
 * Longest time for a watch, in milliseconds. The server ends it before; where the way to it has
 * dropped the connection without a word, nothing else would.
 */
const WATCH_DEADLINE_MS = (WATCH_SECONDS + 30) * 1_000;
/** Longest line of a watch: a Node with many images has some 50 KiB. */
const MAX_LINE_BYTES = 8 * 1024 * 1024;

/** A client of one API server; dispose of it to close its connections. */
export class KubeClient implements Disposable {
  readonly #access: KubeAccess;
  readonly #http: Deno.HttpClient;
  readonly #watchDeadlineMs: number;

  constructor(access: KubeAccess, watchDeadlineMs = WATCH_DEADLINE_MS) {
    this.#access = access;
    this.#watchDeadlineMs = watchDeadlineMs;
    const { caPem, client } = access;
    this.#http = Deno.createHttpClient({
      ...caPem !== undefined && { caCerts: [caPem] },
      ...client && { cert: client.certPem, key: client.keyPem },
    });
  }

  /** Where the access was found. */
  get source(): string {
    return this.#access.source;
  }

  /** @throws KubeError, with status 404 when there is no such node. */
  async getNode(name: string): Promise<KubeNode> {
    const response = await this.#ask(nodePath(name), { signal: AbortSignal.timeout(DEADLINE_MS) });
    return parseNode(await response.json());
  }

  /**
   * Events of a node after a version, until the server ends the stream.
   * @throws KubeError, with status 410 when that version is too old; what the stream is cut off with.
   */
  async *watchNode(
    name: string,
    resourceVersion: string,
    signal: AbortSignal,
  ): AsyncGenerator<NodeEvent> {
    const query = new URLSearchParams({
      watch: "true",
      fieldSelector: `metadata.name=${name}`,
      resourceVersion,
      allowWatchBookmarks: "true",
      timeoutSeconds: String(WATCH_SECONDS),
    });
    const deadline = AbortSignal.timeout(this.#watchDeadlineMs);
    const response = await this.#ask(`/api/v1/nodes?${query}`, {
      signal: AbortSignal.any([signal, deadline]),
    });
    if (!response.body) return;
    for await (const line of linesOf(response.body)) {
      const event = parseEvent(line);
      if (event) yield event;
    }
  }

  /**
   * Changes parts of a node by a JSON merge patch, RFC 7396.
   * @param subresource `status` for conditions.
   * @throws KubeError, with status 403 when we may not.
   */
  async patchNode(name: string, patch: unknown, subresource = ""): Promise<void> {
    const path = subresource === "" ? nodePath(name) : `${nodePath(name)}/${subresource}`;
    const isStatus = subresource === "status";
    // Conditions are a list: only a strategic merge patch changes one of them.
    const kind = isStatus ? "strategic-merge-patch" : "merge-patch";
    const response = await this.#ask(path, {
      method: "PATCH",
      headers: { "content-type": `application/${kind}+json` },
      body: JSON.stringify(patch),
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
    await response.body?.cancel();
  }

  [Symbol.dispose](): void {
    this.#http.close();
  }

  async #ask(path: string, init: RequestInit): Promise<Response> {
    const { server } = this.#access;
    const token = this.#access.token();
    const headers = new Headers(init.headers);
    headers.set("accept", "application/json");
    if (token) headers.set("authorization", `Bearer ${token}`);
    const doing = `ask the API server "${server}" for "${path.split("?")[0]}"`;
    const request = { ...init, headers, client: this.#http, redirect: "error" } as const;
    const response = await fetch(server + path, request).catch((cause) => {
      throw new KubeError(0, `Cannot ${doing}: ${innermostText(cause)}`, { cause });
    });
    if (response.ok) return response;
    const said = await readStatus(response);
    throw new KubeError(response.status, `Cannot ${doing}: ${response.status} ${said}`);
  }
}

const Node = v.object({
  metadata: v.object({
    name: v.string(),
    resourceVersion: v.string(),
    annotations: v.optional(v.record(v.string(), v.string()), {}),
  }),
  spec: v.optional(
    v.object({
      podCIDR: v.optional(v.string(), ""),
      podCIDRs: v.optional(v.array(v.string()), []),
    }),
    {},
  ),
  status: v.optional(
    v.object({
      conditions: v.optional(v.array(v.object({ type: v.string(), status: v.string() })), []),
    }),
    {},
  ),
});

const Event = v.object({ type: v.string(), object: v.unknown() });
const Bookmark = v.object({ metadata: v.object({ resourceVersion: v.string() }) });
const Status = v.object({ code: v.optional(v.number(), 0), message: v.optional(v.string(), "") });

function parseNode(value: unknown): KubeNode {
  const { metadata, spec, status } = parseWith(Node, value, "answer of the API server");
  const { podCIDR, podCIDRs } = spec;
  return {
    name: metadata.name,
    resourceVersion: metadata.resourceVersion,
    podCidrs: podCIDRs.length > 0 ? podCIDRs : podCIDR === "" ? [] : [podCIDR],
    annotations: metadata.annotations,
    networkUnavailable: status.conditions.find(({ type }) => type === "NetworkUnavailable")?.status,
  };
}

/** Undefined for kinds of events that later releases may bring. */
function parseEvent(line: string): NodeEvent | undefined {
  const { type, object } = parseWith(Event, parseJson(line), "event of the API server");
  if (type === "ADDED" || type === "MODIFIED") return { type: "node", node: parseNode(object) };
  if (type === "DELETED") return { type: "deleted" };
  if (type === "BOOKMARK") {
    const { metadata } = parseWith(Bookmark, object, "bookmark of the API server");
    return { type: "bookmark", resourceVersion: metadata.resourceVersion };
  }
  if (type !== "ERROR") return undefined;
  const { code, message } = parseWith(Status, object, "error of the API server");
  throw new KubeError(code, `Cannot watch the node: ${code} ${message}`);
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new KubeError(0, `Cannot watch the node: a line is no JSON: ${errorText(cause)}`, {
      cause,
    });
  }
}

async function readStatus(response: Response): Promise<string> {
  try {
    const { message } = v.parse(Status, await response.json());
    return message || response.statusText;
  } catch {
    return response.statusText;
  }
}

/** Whole lines; a last one that was cut off is none. */
async function* linesOf(body: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > MAX_LINE_BYTES) {
      throw new KubeError(0, `Cannot watch the node: a line has more than ${MAX_LINE_BYTES} bytes`);
    }
    yield* lines.filter((line) => line !== "");
  }
}

function nodePath(name: string): string {
  return `/api/v1/nodes/${encodeURIComponent(name)}`;
}
