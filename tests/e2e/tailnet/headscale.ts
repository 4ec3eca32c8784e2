/** A real Headscale of one of the releases that we speak with, with TLS, SQLite and a DERP of its own. */
import { run } from "../../netns/namespace.ts";
import { findPeers, type Found } from "../peers.ts";
import type { ServerPlace } from "../server_place.ts";
import { TestProcess } from "./process.ts";
import { until } from "./until.ts";

/** Releases that are tried. */
export const HEADSCALE_VERSIONS = ["0.29.2", "0.26.1", "0.25.1"] as const;
export type HeadscaleVersion = (typeof HEADSCALE_VERSIONS)[number];

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

/** The program of a release, and why tests of it must be skipped; empty when it is there. */
export function findHeadscale(version: HeadscaleVersion): Found {
  const { path, missing } = findPeers(`headscale-${version}`);
  return { path: `${path}/headscale`, missing };
}

/** A server: its process comes and goes, its folder stays to the end. */
export class HeadscaleServer implements AsyncDisposable {
  readonly folder: string;
  readonly #place: ServerPlace;
  #version: HeadscaleVersion;
  #process: TestProcess | undefined;

  private constructor(version: HeadscaleVersion, folder: string, place: ServerPlace) {
    this.#version = version;
    this.folder = folder;
    this.#place = place;
  }

  /**
   * Starts one.
   * @param policy text of its policy file.
   * @param users names of those that it has from the beginning.
   */
  static async start(
    place: ServerPlace,
    version: HeadscaleVersion,
    policy: string,
    users: readonly string[] = [USER],
  ): Promise<HeadscaleServer> {
    const folder = await Deno.makeTempDir({ prefix: "hct-hs" });
    const server = new HeadscaleServer(version, folder, place);
    try {
      await makeCertificates(folder, place.address);
      await server.setPolicy(policy);
      const config = JSON.stringify(configOf(folder, place.address));
      await Deno.writeTextFile(`${folder}/config.yaml`, config);
      await server.resume();
      for (const user of users) await server.cli("users", "create", user);
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  get version(): HeadscaleVersion {
    return this.#version;
  }

  get url(): string {
    return `https://${this.#place.address}`;
  }

  /** The authority that signed its certificate, PEM. */
  get caFile(): string {
    return `${this.folder}/ca.pem`;
  }

  get caPem(): string {
    return Deno.readTextFileSync(this.caFile);
  }

  /** Starts it again after {@linkcode stop}, maybe as another release. */
  async resume(version = this.#version): Promise<void> {
    const { path, missing } = findHeadscale(version);
    if (missing) throw new Error(missing);
    this.#version = version;
    const { enter } = this.#place;
    this.#process = TestProcess.start({
      command: [...enter, path, "--config", `${this.folder}/config.yaml`, "serve"],
      env: { HOME: this.folder },
      logFile: `${this.folder}/log`,
    });
    await until(
      "Headscale answer",
      () => this.#run("curl", "-sf", "--cacert", this.caFile, `${this.url}/health`),
    );
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

  /** A pre-auth key, by default one that can be used again and again. */
  async makeAuthKey(
    options: { readonly tags?: readonly string[]; readonly isReusable?: boolean } = {},
  ): Promise<string> {
    const { tags = [], isReusable = true } = options;
    const user = this.version === "0.25.1" ? USER : "1";
    const text = await this.cli(
      ...["preauthkeys", "create", "--user", user, "--expiration", "1h"],
      ...isReusable ? ["--reusable"] : [],
      ...tags.length > 0 ? ["--tags", tags.join(",")] : [],
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
    const { path } = findHeadscale(this.#version);
    const config = ["--config", `${this.folder}/config.yaml`];
    return this.#run("env", `HOME=${this.folder}`, path, ...config, ...args);
  }

  /** What it logged last. */
  async tail(): Promise<string> {
    return (await Deno.readTextFile(`${this.folder}/log`)).split("\n").slice(-40).join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("SIGKILL");
    await Deno.remove(this.folder, { recursive: true });
  }

  #run(...command: readonly string[]): Promise<string> {
    const [first = "", ...rest] = [...this.#place.enter, ...command];
    return run(first, ...rest);
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

const KEY_TYPE = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc"];

/** An authority's certificate and one of the server, as files. */
async function makeCertificates(folder: string, address: string): Promise<void> {
  const made = ["req", "-x509", "-days", "2", ...KEY_TYPE];
  const [ca, caKey] = [`${folder}/ca.pem`, `${folder}/ca.key`] as const;
  await run("openssl", ...made, "-subj", "/CN=test CA", "-out", ca, "-keyout", caKey);
  const names = ["-subj", "/CN=headscale", "-addext", `subjectAltName=IP:${address}`];
  const leaf = ["-addext", "basicConstraints=critical,CA:FALSE", "-CA", ca, "-CAkey", caKey];
  const files = ["-out", `${folder}/cert.pem`, "-keyout", `${folder}/cert.key`];
  await run("openssl", ...made, ...names, ...leaf, ...files);
}

/** What every release from 0.25 to 0.29 reads, as JSON, which is YAML: config-example.yaml. */
export function configOf(folder: string, address: string): unknown {
  return {
    server_url: `https://${address}`,
    listen_addr: `${address}:443`,
    // Up to 0.26 an empty one is a port on every address of the machine.
    metrics_listen_addr: `${address}:9090`,
    grpc_listen_addr: `${address}:50443`,
    noise: { private_key_path: `${folder}/noise.key` },
    prefixes: { v4: "100.64.0.0/10", v6: "fd7a:115c:a1e0::/48", allocation: "sequential" },
    derp: {
      server: {
        enabled: true,
        region_id: 999,
        region_code: "test",
        region_name: "test",
        stun_listen_addr: `${address}:3478`,
        private_key_path: `${folder}/derp.key`,
        automatically_add_embedded_derp_region: true,
        ipv4: address,
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
