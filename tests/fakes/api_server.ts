/** An API server of our own that has one Node, over TLS, and can be made to behave badly. */
import type { KubeAccess } from "../../lib/kube/access.ts";

/** A Node as the API has it, by the fields that tests set. */
export interface FakeNode {
  readonly metadata: {
    readonly name: string;
    readonly resourceVersion: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: { readonly podCIDR?: string; readonly podCIDRs?: readonly string[] };
  readonly status?: { readonly conditions: readonly { type: string; status: string }[] };
}

/** What it was asked. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly authorization: string | null;
  readonly contentType: string | null;
  readonly body: unknown;
}

/** How it behaves; tests change it as they go. */
export interface Behaviour {
  /** Answers every request with that status. */
  refuse?: number;
  /** Answers patches with that status. */
  refusePatch?: number;
  /** Answers watches with that status. */
  refuseWatch?: number;
  /** Waits before every answer until it is resolved. */
  hold?: Promise<void>;
}

const NAME = "edge-7";

/** The server; disposing of it ends all of its streams. */
export class FakeApiServer implements AsyncDisposable {
  readonly behaviour: Behaviour = {};
  readonly seen: SeenRequest[] = [];
  /** Is told of patches, refused ones too. */
  onPatch: (patch: unknown) => void = () => {};
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #folder: string;
  readonly #caPem: string;
  readonly #streams = new Set<ReadableStreamDefaultController<Uint8Array>>();
  readonly #waiting: { count: number; resolve: () => void }[] = [];
  #watches = 0;
  #node: FakeNode | undefined = { metadata: { name: NAME, resourceVersion: "1" }, spec: {} };

  private constructor(folder: string, certPem: string, keyPem: string) {
    this.#folder = folder;
    this.#caPem = certPem;
    const options = { hostname: "127.0.0.1", port: 0, cert: certPem, key: keyPem };
    this.#server = Deno.serve(
      { ...options, onListen: () => {} },
      (request) => this.#answer(request),
    );
  }

  static async start(): Promise<FakeApiServer> {
    const folder = await Deno.makeTempDir({ prefix: "hct" });
    const [key, cert] = [`${folder}/key.pem`, `${folder}/cert.pem`];
    const { success, stderr } = await new Deno.Command("openssl", {
      args: [
        ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
        ...["-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=fake"],
        ...[
          "-addext",
          "subjectAltName=IP:127.0.0.1",
          "-addext",
          "basicConstraints=critical,CA:FALSE",
        ],
      ],
    }).output();
    if (!success) throw new Error(`Cannot make a certificate: ${new TextDecoder().decode(stderr)}`);
    return new FakeApiServer(folder, await Deno.readTextFile(cert), await Deno.readTextFile(key));
  }

  /** Name of its Node. */
  get nodeName(): string {
    return NAME;
  }

  get access(): KubeAccess {
    const server = `https://127.0.0.1:${this.#server.addr.port}`;
    return { source: "fake", server, caPem: this.#caPem, client: undefined, token: () => "secret" };
  }

  /** The Node with these prefixes, as a new version; every watch hears of it. */
  assign(...podCIDRs: readonly string[]): void {
    const resourceVersion = String(Number(this.#node?.metadata.resourceVersion ?? 0) + 1);
    const [podCIDR] = podCIDRs;
    this.#node = {
      ...this.#node,
      metadata: { annotations: {}, ...this.#node?.metadata, name: NAME, resourceVersion },
      spec: podCIDR === undefined ? {} : { podCIDR, podCIDRs },
    };
    this.send("MODIFIED", this.#node);
  }

  /** Removes the Node. */
  remove(): void {
    this.send("DELETED", this.#node);
    this.#node = undefined;
  }

  /** An event to every watch. */
  send(type: string, object: unknown): void {
    this.sendText(`${JSON.stringify({ type, object })}\n`);
  }

  /** Text to every watch, as it is. */
  sendText(text: string): void {
    for (const stream of this.#streams) stream.enqueue(new TextEncoder().encode(text));
  }

  /** Ends every watch, or cuts it off. */
  endWatches(how: "end" | "cut" = "end"): void {
    for (const stream of this.#streams) {
      if (how === "end") stream.close();
      else stream.error(new Error("cut off"));
    }
    this.#streams.clear();
  }

  /** Waits until so many watches have begun since the server was started. */
  watched(count: number): Promise<void> {
    if (this.#watches >= count) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ count, resolve }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.endWatches();
    await this.#server.shutdown();
    await Deno.remove(this.#folder, { recursive: true });
  }

  async #answer(request: Request): Promise<Response> {
    await this.behaviour.hold;
    const url = new URL(request.url);
    const text = await request.text();
    this.seen.push({
      method: request.method,
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      authorization: request.headers.get("authorization"),
      contentType: request.headers.get("content-type"),
      body: text === "" ? undefined : JSON.parse(text),
    });
    const { refuse, refusePatch, refuseWatch } = this.behaviour;
    if (refuse) return status(refuse);
    if (request.method === "PATCH") {
      this.onPatch(JSON.parse(text));
      if (refusePatch) return status(refusePatch);
      this.#patch(JSON.parse(text));
    }
    if (url.searchParams.has("watch")) {
      const since = Number(url.searchParams.get("resourceVersion"));
      return refuseWatch ? status(refuseWatch) : this.#watch(since);
    }
    return this.#node ? Response.json(this.#node) : status(404);
  }

  /** Annotations join those that are there; a condition takes the place of that of its type. */
  #patch({ metadata, status }: Partial<FakeNode>): void {
    if (!this.#node) return;
    const before = this.#node;
    const conditions = [...before.status?.conditions ?? [], ...status?.conditions ?? []];
    this.#node = {
      ...before,
      metadata: {
        ...before.metadata,
        resourceVersion: String(Number(before.metadata.resourceVersion) + 1),
        annotations: { ...before.metadata.annotations, ...metadata?.annotations },
      },
      status: { conditions: [...new Map(conditions.map((one) => [one.type, one])).values()] },
    };
    this.send("MODIFIED", this.#node);
  }

  /** What came after the version that a watch begins at is the first that it hears of. */
  #watch(since: number): Response {
    const streams = this.#streams;
    const node = this.#node;
    const isNewer = node !== undefined && Number(node.metadata.resourceVersion) > since;
    const first = isNewer ? JSON.stringify({ type: "MODIFIED", object: node }) : "";
    let own: ReadableStreamDefaultController<Uint8Array>;
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        own = controller;
        streams.add(controller);
        // At least an empty line, so that the answer begins.
        controller.enqueue(new TextEncoder().encode(`${first}\n`));
      },
      cancel: () => void streams.delete(own),
    });
    this.#watches++;
    for (const { count, resolve } of this.#waiting) if (this.#watches >= count) resolve();
    return new Response(body, { headers: { "content-type": "application/json" } });
  }
}

/** As the API says what is wrong: `Status` of apimachinery. */
function status(code: number): Response {
  return Response.json({ kind: "Status", code, message: `no luck, ${code}` }, { status: code });
}
