/**
 * The requests to Headscale that a node or a person makes: nodes, their routes, keys and users. The
 * releases differ in how routes are approved and whom a key belongs to; callers see no difference.
 */
import type * as v from "valibot";
import type { HeadscaleNode } from "../mesh/headscale_node.ts";
import { formatPrefix, type Prefix } from "../net/prefix.ts";
import {
  AnyAnswer,
  ApprovedAnswer,
  ExpiredAnswer,
  type HeadscaleUser,
  KeyAnswer,
  type NodeAnswer,
  nodeOf,
  NodesAnswer,
  RoutesAnswer,
  timeOf,
  UsersAnswer,
} from "./answers.ts";
import { type HeadscaleAccess, HeadscaleConnection } from "./connection.ts";
import { HeadscaleError } from "./headscale_error.ts";
import { diffOlderRoutes, type OlderRoute, olderRoutesOf } from "./older_routes.ts";

/**
 * - `routes`: up to 0.25, each route is a row to enable
 * - `approve`: from 0.26 on, each node has a list of approved routes
 */
export type ApiGeneration = "routes" | "approve";

/** A pre-auth key to make. */
export interface PreAuthKeyRequest {
  /** Name of the user that owns it; undefined for nobody, which takes tags and 0.28 or later. */
  readonly user: string | undefined;
  /** Each with `tag:` before it. */
  readonly tags: readonly string[];
  readonly isReusable: boolean;
  readonly isEphemeral: boolean;
  /** How long it is good, in milliseconds from now on. */
  readonly lifetimeMs: number;
}

/** A pre-auth key that was made. */
export interface PreAuthKey {
  /** The secret itself: for no log. */
  readonly key: string;
  /** A decimal number as text. */
  readonly id: string | undefined;
  /** RFC 3339; undefined when it does not expire. */
  readonly expiration: string | undefined;
}

/**
 * A client of one Headscale; dispose of it to end what is under way. Every method throws a
 * {@linkcode HeadscaleError} when it is not done, or what reveals the API key throws.
 */
export class HeadscaleClient implements Disposable {
  readonly #connection: HeadscaleConnection;
  #generation: ApiGeneration | undefined;

  /** @throws ConfigError when the certificates or the address of the access are none. */
  constructor(access: HeadscaleAccess) {
    this.#connection = new HeadscaleConnection(access);
  }

  /** Base address of the server. */
  get url(): string {
    return this.#connection.url;
  }

  /** As the last answer showed it; undefined before one did. */
  get generation(): ApiGeneration | undefined {
    return this.#generation;
  }

  /** All nodes, with their routes. */
  async listNodes(): Promise<HeadscaleNode[]> {
    const nodes = await this.#listNodes();
    if (nodes.length === 0 || this.#generation === "approve") return nodes.map(nodeOf);
    const rows = await this.#listRoutes();
    return nodes.map((node) => ({ ...nodeOf(node), ...olderRoutesOf(node.id, rows) }));
  }

  /** The node with that key, which no two have; names are no proof, for two nodes may want one. */
  async findNode({ nodeKey }: { readonly nodeKey: string }): Promise<HeadscaleNode | undefined> {
    return (await this.listNodes()).find((node) => node.nodeKey === nodeKey);
  }

  /**
   * Approves these routes of a node and no others: the list replaces the one that is there.
   * @returns what is approved afterwards. Up to 0.25 only routes that the node advertises can be.
   */
  async approveRoutes(
    { id }: Pick<HeadscaleNode, "id">,
    routes: readonly Prefix[],
  ): Promise<readonly Prefix[]> {
    const approve = (generation: ApiGeneration) =>
      generation === "routes" ? this.#enableRoutes(id, routes) : this.#replaceRoutes(id, routes);
    const remembered = this.#generation ?? await this.#probe();
    try {
      return await approve(remembered);
    } catch (error) {
      // It may have been upgraded, or an older one put in its place.
      if (!isNotFound(error) || await this.#probe() === remembered) throw error;
      return await approve(this.#generation ?? remembered);
    }
  }

  /** Makes a pre-auth key; never sent twice, and makes no user. */
  async createPreAuthKey(request: PreAuthKeyRequest): Promise<PreAuthKey> {
    const { user, tags } = request;
    // Asked anew: up to 0.25, a key of nobody's becomes one of the only user there is.
    const generation = await this.#probe();
    if (generation === "approve" && tags.length > 0) {
      try {
        return await this.#createKey(request, undefined);
      } catch (error) {
        // 0.26 and 0.27 find no user 0.
        if (!isNotFound(error)) throw error;
      }
    }
    if (user === undefined) {
      throw this.#refuse(
        "make a pre-auth key of nobody's",
        tags.length > 0
          ? "only release 0.28 and later have such, with tags; set tailscale.user"
          : "it needs a user or tags; set tailscale.user or tailscale.tags",
      );
    }
    const { id, name } = await this.#findUser(user);
    return await this.#createKey(request, generation === "routes" ? name : id);
  }

  /**
   * Makes the key of a node good for ever. Releases up to 0.28 have no word for that, and say of one that
   * has expired that it still has. 0.29 reads the query alone, 0.30 the body alone.
   */
  async disableExpiry(id: string): Promise<void> {
    const { node } = await this.#connection.ask({
      method: "POST",
      path: `${nodePath(id)}/expire?disableExpiry=true`,
      body: { disableExpiry: true },
      isRepeatable: true,
    }, ExpiredAnswer);
    if (timeOf(node.expiry) === undefined) return;
    throw this.#refuse(
      `let the key of node ${id} be good for ever`,
      "only release 0.29 and later can; headscale nodes delete makes the node a new one",
    );
  }

  /** Removes a node, and its routes with it. */
  async deleteNode(id: string): Promise<void> {
    await this.#change("DELETE", nodePath(id));
  }

  async listUsers(): Promise<HeadscaleUser[]> {
    return (await this.#get("/api/v1/user", UsersAnswer)).users;
  }

  [Symbol.dispose](): void {
    this.#connection[Symbol.dispose]();
  }

  /** Tells the generation: each node of 0.26 and later says what routes it has, maybe none. */
  async #probe(): Promise<ApiGeneration> {
    const nodes = await this.#listNodes();
    if (nodes.length > 0) return this.#generation ?? "approve";
    // The API is there, for it told that there are no nodes: without routes, it is a later one.
    const rows = await this.#listRoutes().catch((error) => {
      if (!isNotFound(error)) throw error;
    });
    return this.#generation = rows ? "routes" : "approve";
  }

  async #listNodes(): Promise<NodeAnswer[]> {
    const { nodes } = await this.#get("/api/v1/node", NodesAnswer);
    const [first] = nodes;
    if (first) this.#generation = first.availableRoutes ? "approve" : "routes";
    return nodes;
  }

  async #listRoutes(path = "/api/v1/routes"): Promise<OlderRoute[]> {
    return (await this.#get(path, RoutesAnswer)).routes;
  }

  async #replaceRoutes(id: string, routes: readonly Prefix[]): Promise<readonly Prefix[]> {
    const { node } = await this.#connection.ask({
      method: "POST",
      path: `${nodePath(id)}/approve_routes`,
      body: { routes: routes.map(formatPrefix) },
      isRepeatable: true,
    }, ApprovedAnswer);
    return node.approvedRoutes;
  }

  async #enableRoutes(id: string, routes: readonly Prefix[]): Promise<readonly Prefix[]> {
    const path = `${nodePath(id)}/routes`;
    const { enable, disable } = diffOlderRoutes(id, routes, await this.#listRoutes(path));
    const change = (row: string, word: "enable" | "disable") =>
      this.#connection.ask(
        { method: "POST", path: `/api/v1/routes/${row}/${word}`, isRepeatable: true },
        AnyAnswer,
      );
    for (const row of enable) await change(row, "enable"); // first: no gap
    for (const row of disable) await change(row, "disable");
    return olderRoutesOf(id, await this.#listRoutes(path)).approvedRoutes;
  }

  async #createKey(request: PreAuthKeyRequest, user: string | undefined): Promise<PreAuthKey> {
    const { preAuthKey: { key, id, expiration } } = await this.#connection.ask({
      method: "POST",
      path: "/api/v1/preauthkey",
      body: {
        ...user !== undefined && { user },
        aclTags: request.tags,
        reusable: request.isReusable,
        ephemeral: request.isEphemeral,
        expiration: new Date(Date.now() + request.lifetimeMs).toISOString(),
      },
      isRepeatable: false,
    }, KeyAnswer);
    return { key, id, expiration: timeOf(expiration) };
  }

  async #findUser(name: string): Promise<HeadscaleUser> {
    const [user, other] = (await this.listUsers()).filter((one) => one.name === name);
    const doing = `make a pre-auth key for user "${name}"`;
    if (!user) {
      throw this.#refuse(
        doing,
        `there is none; "headscale users create" makes one, or see tailscale.user`,
      );
    }
    if (other) throw this.#refuse(doing, "two users have that name; rename one");
    return user;
  }

  #refuse(doing: string, seen: string): HeadscaleError {
    return new HeadscaleError(`Cannot ${doing} at Headscale "${this.url}": ${seen}`, {
      status: 404,
    });
  }

  #get<Schema extends v.GenericSchema>(
    path: string,
    schema: Schema,
  ): Promise<v.InferOutput<Schema>> {
    return this.#connection.ask({ method: "GET", path, isRepeatable: true }, schema);
  }

  async #change(method: "POST" | "DELETE", path: string): Promise<void> {
    await this.#connection.ask({ method, path, isRepeatable: false }, AnyAnswer);
  }
}

function nodePath(id: string): string {
  return `/api/v1/node/${encodeURIComponent(id)}`;
}

function isNotFound(error: unknown): boolean {
  return error instanceof HeadscaleError && error.status === 404;
}
