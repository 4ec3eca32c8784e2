/** A Headscale of our own with the REST API of a release, that can be made to behave badly. */
import { formatPrefix, parsePrefix } from "../../lib/net/prefix.ts";

/** Releases whose shapes it knows. */
export type HeadscaleRelease = "0.25" | "0.27" | "0.29" | "0.30";

/** A node of it. */
export interface FakeHeadscaleNode {
  readonly id: string;
  readonly nodeKey: string;
  name: string;
  tags: string[];
  available: string[];
  approved: string[];
  expiry: string | null;
}

/** What it was asked. */
export interface SeenHeadscaleRequest {
  /** Method and path, with the query. */
  readonly what: string;
  readonly authorization: string | null;
  readonly body: unknown;
}

const KEY = "hskey-api-0123456789ab-secretsecret";

/** The server, with one user `alice`; it takes the API key {@linkcode FakeHeadscale.apiKey}. */
export class FakeHeadscale implements AsyncDisposable {
  readonly nodes: FakeHeadscaleNode[] = [];
  readonly seen: SeenHeadscaleRequest[] = [];
  readonly users: { id: string; name: string }[] = [{ id: "7", name: "alice" }];
  /** Answers of the next requests, in the place of its own; undefined for its own. */
  readonly next: ((() => Response | Promise<Response>) | undefined)[] = [];
  /** The key that it takes. */
  apiKey = KEY;
  release: HeadscaleRelease;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(release: HeadscaleRelease) {
    this.release = release;
    const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
    this.#server = Deno.serve(options, (request) => this.#answer(request));
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  /** A node that advertises routes. */
  addNode(name: string, ...available: readonly string[]): FakeHeadscaleNode {
    const id = String(this.nodes.length + 1);
    const nodeKey = `nodekey:${id.padStart(64, "0")}`;
    const fresh = { id, nodeKey, name, tags: [], approved: [], expiry: null };
    const node: FakeHeadscaleNode = { ...fresh, available: [...available] };
    this.nodes.push(node);
    return node;
  }

  /** Methods and paths that it was asked for since it began or the last call. */
  takeSeen(): string[] {
    return this.seen.splice(0).map(({ what }) => what);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname, search, searchParams } = new URL(request.url);
    const text = await request.text();
    const body = text === "" ? {} : JSON.parse(text);
    const what = `${request.method} ${pathname}${search}`;
    const authorization = request.headers.get("authorization");
    this.seen.push({ what, authorization, body: text === "" ? undefined : body });
    const other = this.next.shift();
    if (other) return await other();
    if (authorization !== `Bearer ${this.apiKey}`) return this.#unauthorized();
    const [, resource, id, verb] = pathname.replace("/api", "").split("/").slice(1);
    if (resource === "user") return Response.json({ users: this.users });
    if (resource === "preauthkey") return this.#makeKey(body);
    if (resource === "routes" && this.#isOlder) return this.#routes(id, verb);
    if (resource !== "node") return this.#unknownPath();
    if (id === undefined) return Response.json({ nodes: this.nodes.map((one) => this.#show(one)) });
    const node = this.nodes.find((one) => one.id === id);
    if (!node) return this.#missing("record");
    // The gateway of gRPC reads no body of this one.
    const disableExpiry = this.release === "0.30"
      ? body.disableExpiry === true
      : this.release === "0.29" && searchParams.get("disableExpiry") === "true";
    const verbOrDelete = request.method === "DELETE" ? "delete" : verb ?? "";
    return this.#node(node, verbOrDelete, { ...body, disableExpiry });
  }

  get #isOlder(): boolean {
    return this.release === "0.25";
  }

  #node(
    node: FakeHeadscaleNode,
    verb: string,
    { routes, disableExpiry }: { routes?: string[]; disableExpiry?: boolean },
  ): Response {
    if (verb === "routes" && this.#isOlder) return this.#rows([node]);
    if (verb === "delete") this.nodes.splice(this.nodes.indexOf(node), 1);
    else if (verb === "expire") node.expiry = disableExpiry ? null : "2026-01-02T03:04:05.678Z";
    else if (verb === "approve_routes" && !this.#isOlder) {
      node.approved = (routes ?? []).map((route) => formatPrefix(parsePrefix(route)));
    } else return this.#unknownPath();
    return Response.json(verb === "delete" ? {} : { node: this.#show(node) });
  }

  #routes(id: string | undefined, verb: string | undefined): Response {
    if (id === undefined) return this.#rows(this.nodes);
    const [owner, index] = [Math.trunc(Number(id) / 100), Number(id) % 100];
    const node = this.nodes.find((one) => Number(one.id) === owner);
    const prefix = node?.available[index];
    if (!node || prefix === undefined) return this.#missing("record");
    node.approved = node.approved.filter((one) => one !== prefix);
    if (verb === "enable") node.approved.push(prefix);
    return Response.json({});
  }

  #rows(nodes: readonly FakeHeadscaleNode[]): Response {
    const routes = nodes.flatMap((node) =>
      node.available.map((prefix, index) => ({
        id: String(Number(node.id) * 100 + index),
        node: this.#show(node),
        prefix,
        advertised: true,
        enabled: node.approved.includes(prefix),
        isPrimary: node.approved.includes(prefix),
        deletedAt: null,
      }))
    );
    return Response.json({ routes });
  }

  /** As `proto/headscale/v1/preauthkey.proto` of the release has it. */
  #makeKey({ user, aclTags = [], expiration }: {
    user?: string;
    aclTags?: string[];
    expiration?: string;
  }): Response {
    const owner = this.users.find(({ id, name }) => user === (this.#isOlder ? name : id));
    const needsOwner = this.#isOlder || this.release === "0.27" || aclTags.length === 0;
    if (!owner && (needsOwner || user !== undefined)) return this.#missing("user");
    const shown = owner ? this.#isOlder ? owner.name : owner : null;
    const key = { id: "5", key: "hskey-auth-abc-secret", expiration, aclTags };
    return Response.json({ preAuthKey: { user: shown, ...key, used: false } });
  }

  #show(node: FakeHeadscaleNode): unknown {
    const { id, nodeKey, name, tags, available, approved, expiry } = node;
    const hasTags = ["0.29", "0.30"].includes(this.release);
    const isTagged = tags.length > 0;
    return {
      id,
      nodeKey,
      name: `machine-${id}`,
      givenName: name,
      user: isTagged && hasTags ? { id: "2147455555", name: "tagged-devices" } : { name: "alice" },
      ipAddresses: [`100.64.0.${id}`, `fd7a:115c:a1e0::${id}`],
      online: true,
      expiry: expiry ?? (this.release === "0.30" ? null : "0001-01-01T00:00:00Z"),
      preAuthKey: { key: "hskey-auth-of-node-secret" },
      ...hasTags ? { tags } : { forcedTags: tags, validTags: tags, invalidTags: [] },
      ...!this.#isOlder && {
        availableRoutes: available,
        approvedRoutes: approved,
        subnetRoutes: approved.filter((one) => available.includes(one)),
      },
    };
  }

  /** Releases up to 0.26 say 500 for a key that they cannot read. */
  #unauthorized(): Response {
    if (this.release === "0.30") return problem(401, "Unauthorized", "Unauthorized");
    return new Response("Unauthorized", { status: this.#isOlder ? 500 : 401 });
  }

  #missing(what: string): Response {
    if (this.release === "0.30") return problem(404, "Not Found", "asking", `${what} not found`);
    return gateway(500, 2, `${what} not found`);
  }

  #unknownPath(): Response {
    if (this.release === "0.30") return new Response("404 page not found\n", { status: 404 });
    return gateway(404, 5, "Not Found");
  }
}

/** An error of the gateway of gRPC, which releases up to 0.29 have. */
export function gateway(status: number, code: number, message: string): Response {
  return Response.json({ code, message, details: [] }, { status });
}

/** An error of RFC 7807, as releases from 0.30 on have it. */
export function problem(
  status: number,
  title: string,
  detail: string,
  ...errors: readonly string[]
): Response {
  const body = { title, status, detail, errors: errors.map((message) => ({ message })) };
  const headers = { "content-type": "application/problem+json" };
  return new Response(JSON.stringify(body), { status, headers });
}
