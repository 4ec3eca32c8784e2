/** A tailscaled that keeps what it is set to, and is in its tailnet at once. */
import { type AskedOf, FakeLocalApi } from "./local_api.ts";

/** Preferences by the names of `ipn.Prefs`. */
export type RawPrefs = Record<string, unknown>;

/** The key of its node. */
export const NODE_KEY = `nodekey:${"1".padStart(64, "0")}`;

/** One whose routes are all served, as far as nobody says otherwise. */
export class FakeTailscaled implements AsyncDisposable {
  /** What it is set to: all that pods need, but no route. */
  prefs: RawPrefs = {
    ...{ ControlURL: "https://hs.mesh.test", WantRunning: true, LoggedOut: false },
    ...{ RouteAll: true, NoSNAT: true, NoStatefulFiltering: true, AdvertiseRoutes: [] },
  };
  /** More of its status, or other. */
  status: Record<string, unknown> = {};
  /** More of its own node, or other. */
  self: Record<string, unknown> = {};
  /** Name of the node that has an address; undefined when none does. */
  whois: (address: string) => string | undefined = () => undefined;
  /** Answers in the place of its own, by method and path without the query. */
  readonly answers = new Map<string, () => Response | Promise<Response>>();
  #api: FakeLocalApi | undefined;

  static async start(): Promise<FakeTailscaled> {
    const fake = new FakeTailscaled();
    fake.#api = await FakeLocalApi.start((asked) => fake.#answer(asked));
    return fake;
  }

  get socket(): string {
    return this.#api?.socket ?? "";
  }

  get routes(): readonly string[] {
    return (this.prefs.AdvertiseRoutes as string[] | null) ?? [];
  }

  /** What it was told, beside what it was asked: method, path, and what was changed. */
  takeTold(): string[] {
    const told = this.#api?.asked.splice(0).filter(({ method }) => method !== "GET") ?? [];
    return told.map(({ method, path, body }) => {
      const fields = Object.entries<unknown>(body === "" ? {} : JSON.parse(body))
        .filter(([field, value]) => !(field.endsWith("Set") && value === true))
        .map(([field, value]) => `${field}=${Array.isArray(value) ? value.join(",") : value}`);
      return [method, path, ...fields].join(" ");
    });
  }

  async stop(): Promise<void> {
    await this.#api?.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#api?.[Symbol.asyncDispose]();
  }

  async #answer({ method, path, body }: AskedOf): Promise<Response> {
    const [name, query] = path.split("?");
    const other = this.answers.get(`${method} ${name}`);
    if (other) return await other();
    if (name === "status") return Response.json(this.#status());
    if (name === "whois") return this.#whois(new URLSearchParams(query).get("addr") ?? "");
    if (name === "check-ip-forwarding") return Response.json({ Warning: "" });
    if (name === "logout") this.status = { BackendState: "NeedsLogin", HaveNodeKey: false };
    if (name !== "prefs") return new Response(null, { status: 204 });
    if (method === "PATCH") this.#edit(JSON.parse(body));
    return Response.json(this.prefs);
  }

  #whois(address: string): Response {
    const Name = this.whois(address);
    if (Name === undefined) return new Response("no match for IP:port", { status: 404 });
    return Response.json({ Node: { Key: NODE_KEY, Name, Addresses: [`${address}/32`], Tags: [] } });
  }

  #edit(change: RawPrefs): void {
    const fields = Object.entries(change).filter(([field]) => change[`${field}Set`] === true);
    this.prefs = { ...this.prefs, ...Object.fromEntries(fields) };
  }

  #status(): unknown {
    const isIn = this.status.HaveNodeKey !== false;
    return {
      ...{ BackendState: "Running", Version: "1.98.10", TUN: true, HaveNodeKey: true },
      ...isIn && {
        Self: {
          ...{ PublicKey: NODE_KEY, HostName: "edge-7", TailscaleIPs: ["100.64.0.1"] },
          AllowedIPs: ["100.64.0.1/32", ...this.routes],
          ...this.self,
        },
      },
      ...this.status,
    };
  }
}
