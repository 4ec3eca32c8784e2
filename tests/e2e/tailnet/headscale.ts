/** A real Headscale of one of the releases that we speak with, with TLS, SQLite and a DERP of its own. */
import { run } from "../../netns/namespace.ts";
import { findPeers } from "../peers.ts";
import { CONTROL_ADDRESS, type Internet } from "./internet.ts";
import { TestProcess } from "./process.ts";
import { until } from "./until.ts";

/** Releases that are tried. */
export const HEADSCALE_VERSIONS = ["0.29.2", "0.26.1", "0.25.1"] as const;
export type HeadscaleVersion = (typeof HEADSCALE_VERSIONS)[number];

const PORT = 443;
/** What owns the nodes. */
export const USER = "nodes";
export const TAG = "tag:k8s";

/** A node, as `headscale nodes list` tells it. */
export interface ListedNode {
  readonly id: number;
  readonly name: string;
  readonly given_name: string;
  readonly node_key: string;
  readonly ip_addresses: readonly string[];
  readonly approved_routes?: readonly string[];
  readonly available_routes?: readonly string[];
  readonly subnet_routes?: readonly string[];
}

/** Headscale in the namespace between the nodes. */
export class HeadscaleServer implements AsyncDisposable {
  readonly version: HeadscaleVersion;
  readonly folder: string;
  readonly url = `https://${CONTROL_ADDRESS}`;
  readonly #internet: Internet;
  readonly #program: string;
  #process: TestProcess | undefined;

  private constructor(
    version: HeadscaleVersion,
    folder: string,
    internet: Internet,
    program: string,
  ) {
    this.version = version;
    this.folder = folder;
    this.#internet = internet;
    this.#program = program;
  }

  /**
   * Starts one.
   * @param policy text of its policy file.
   * @param users names of those that it has from the beginning.
   */
  static async start(
    internet: Internet,
    version: HeadscaleVersion,
    policy: string,
    users: readonly string[] = [USER],
  ): Promise<HeadscaleServer> {
    const { path, missing } = findPeers(`headscale-${version}`);
    if (missing) throw new Error(missing);
    const folder = await Deno.makeTempDir({ prefix: "hct-hs" });
    const server = new HeadscaleServer(version, folder, internet, `${path}/headscale`);
    try {
      await makeCertificate(folder);
      await server.setPolicy(policy);
      await Deno.writeTextFile(`${folder}/config.yaml`, JSON.stringify(configOf(folder)));
      await server.resume();
      for (const user of users) await server.cli("users", "create", user);
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The authority that signed its certificate, PEM. */
  get caFile(): string {
    return `${this.folder}/ca.pem`;
  }

  /** Starts it again after {@linkcode stop}. */
  async resume(): Promise<void> {
    this.#process = TestProcess.start({
      command: [
        ...this.#enter,
        ...[this.#program, "--config", `${this.folder}/config.yaml`, "serve"],
      ],
      env: { HOME: this.folder },
      logFile: `${this.folder}/log`,
    });
    const probe = ["curl", "-sf", "--cacert", this.caFile, `${this.url}/health`];
    await until("Headscale answer", () => this.#internet.netns.run(...probe).then(() => true));
  }

  async stop(signal: Deno.Signal = "SIGTERM"): Promise<void> {
    await this.#process?.end(signal);
    this.#process = undefined;
  }

  /** Writes the policy; a server that runs reads it by {@linkcode reload}. */
  async setPolicy(policy: string): Promise<void> {
    await Deno.writeTextFile(`${this.folder}/policy.hujson`, policy);
  }

  reload(): void {
    if (this.#process) Deno.kill(this.#process.pid, "SIGHUP");
  }

  /** A pre-auth key that can be used again and again. */
  async makeAuthKey(options: { readonly tags?: readonly string[] } = {}): Promise<string> {
    const tags = options.tags?.length ? ["--tags", options.tags.join(",")] : [];
    const user = this.version === "0.25.1" ? USER : "1";
    const text = await this.cli(
      ...["preauthkeys", "create", "--user", user, "--reusable", "--expiration", "1h", ...tags],
    );
    return lastLine(text);
  }

  /** An API key: it may do anything. */
  async makeApiKey(): Promise<string> {
    return lastLine(await this.cli("apikeys", "create", "--expiration", "1h"));
  }

  async listNodes(): Promise<ListedNode[]> {
    return JSON.parse(await this.cli("nodes", "list", "--output", "json")) ?? [];
  }

  /** Has a node log in again. */
  async expire(id: number): Promise<void> {
    await this.cli("nodes", "expire", "--identifier", String(id));
  }

  /** Approves routes of a node by hand, as far as it advertises them. */
  async approve(id: number, routes: readonly string[]): Promise<void> {
    if (this.version !== "0.25.1") {
      const list = routes.join(",");
      await this.cli("nodes", "approve-routes", "--identifier", String(id), "--routes", list);
      return;
    }
    const known: { readonly id: number; readonly prefix: string; readonly node: ListedNode }[] =
      JSON.parse(await this.cli("routes", "list", "--output", "json")) ?? [];
    for (const { id: route, prefix, node } of known) {
      if (node.id !== id || !routes.includes(prefix)) continue;
      await this.cli("routes", "enable", "--route", String(route));
    }
  }

  /** Its own command line, on the socket of the server. */
  cli(...args: readonly string[]): Promise<string> {
    const config = ["--config", `${this.folder}/config.yaml`];
    return run(
      ...this.#enterFirst,
      "env",
      `HOME=${this.folder}`,
      this.#program,
      ...config,
      ...args,
    );
  }

  /** What it logged last. */
  async tail(): Promise<string> {
    return (await Deno.readTextFile(`${this.folder}/log`)).split("\n").slice(-40).join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("SIGKILL");
    await Deno.remove(this.folder, { recursive: true });
  }

  get #enter(): string[] {
    return [...this.#enterFirst];
  }

  get #enterFirst(): [string, ...string[]] {
    return ["nsenter", `--net=${this.#internet.netns.path}`];
  }
}

/** How a policy names the user of the nodes: with an `@` from 0.26 on. */
export function userIn(version: HeadscaleVersion): string {
  return version === "0.25.1" ? USER : `${USER}@`;
}

/** A policy by which all may reach all. @param approvers routes by who approves them. */
export function openPolicy(
  version: HeadscaleVersion,
  approvers: Readonly<Record<string, readonly string[]>> = {},
): string {
  return JSON.stringify({
    tagOwners: { [TAG]: [userIn(version)] },
    autoApprovers: { routes: approvers },
    acls: [{ action: "accept", src: ["*"], dst: ["*:*"] }],
  });
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}

async function makeCertificate(folder: string): Promise<void> {
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const [ca, caKey] = [`${folder}/ca.pem`, `${folder}/ca.key`];
  const [cert, certKey, request] = ["cert.pem", "cert.key", "cert.csr"].map((n) =>
    `${folder}/${n}`
  );
  const paths = { cert: cert ?? "", certKey: certKey ?? "", request: request ?? "" };
  await run(
    "openssl",
    "req",
    "-x509",
    ...key,
    "-keyout",
    caKey,
    "-out",
    ca,
    "-days",
    "2",
    "-subj",
    "/CN=test CA",
  );
  await run(
    "openssl",
    "req",
    ...key,
    "-keyout",
    paths.certKey,
    "-out",
    paths.request,
    "-subj",
    "/CN=headscale",
  );
  const extensions = `${folder}/extensions`;
  await Deno.writeTextFile(
    extensions,
    `subjectAltName=IP:${CONTROL_ADDRESS}\nbasicConstraints=critical,CA:FALSE\n`,
  );
  await run(
    ...["openssl", "x509", "-req", "-in", paths.request, "-CA", ca, "-CAkey", caKey] as const,
    ...["-CAcreateserial", "-days", "2", "-extfile", extensions, "-out", paths.cert],
  );
}

/** As YAML, of which JSON is a part. */
function configOf(folder: string): unknown {
  return {
    server_url: `https://${CONTROL_ADDRESS}`,
    listen_addr: `${CONTROL_ADDRESS}:${PORT}`,
    metrics_listen_addr: "",
    grpc_listen_addr: "127.0.0.1:0",
    noise: { private_key_path: `${folder}/noise.key` },
    prefixes: { v4: "100.64.0.0/10", v6: "fd7a:115c:a1e0::/48", allocation: "sequential" },
    derp: {
      server: {
        enabled: true,
        region_id: 999,
        region_code: "test",
        region_name: "test",
        stun_listen_addr: `${CONTROL_ADDRESS}:3478`,
        private_key_path: `${folder}/derp.key`,
        automatically_add_embedded_derp_region: true,
        ipv4: CONTROL_ADDRESS,
      },
      urls: [],
      paths: [],
      auto_update_enabled: false,
    },
    disable_check_updates: true,
    database: { type: "sqlite", sqlite: { path: `${folder}/db.sqlite`, write_ahead_log: true } },
    tls_cert_path: `${folder}/cert.pem`,
    tls_key_path: `${folder}/cert.key`,
    log: { level: "info" },
    policy: { mode: "file", path: `${folder}/policy.hujson` },
    dns: {
      magic_dns: false,
      base_domain: "tail.example",
      override_local_dns: false,
      nameservers: { global: [] },
    },
    unix_socket: `${folder}/headscale.sock`,
  };
}
