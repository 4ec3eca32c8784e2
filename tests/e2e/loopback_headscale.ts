/**
 * A real Headscale at an address of its own of the loopback network, where clients in this process
 * reach it: 127.0.0.0/8 is wide enough for every test to take one by chance.
 */
import { run } from "../netns/namespace.ts";
import { findPeers } from "./peers.ts";

/** The releases that tests have, the newest first. */
export const RELEASES = ["0.29.2", "0.26.1", "0.25.1"] as const;

/** One of them. */
export type Release = typeof RELEASES[number];

/** A node of the server that no machine stands behind. */
export interface DebugNode {
  readonly id: string;
  readonly nodeKey: string;
}

/** The program of a release, and why tests of it must be skipped; empty when it is there. */
export function findHeadscale(release: Release): { path: string; missing: string } {
  const { path, missing } = findPeers(`headscale-${release}`);
  return { path: `${path}/headscale`, missing };
}

const KEY_TYPE = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc"];

/** The server: its process comes and goes, its folder stays to the end. */
export class LoopbackHeadscale implements AsyncDisposable {
  readonly url: string;
  /** Certificate of the authority that its own comes from. */
  readonly caPem: string;
  readonly #folder: string;
  #release: Release = RELEASES[0];
  #child: Deno.ChildProcess | undefined;
  #reading: Promise<void> = Promise.resolve();

  private constructor(folder: string, address: string, caPem: string) {
    this.#folder = folder;
    this.url = `https://${address}`;
    this.caPem = caPem;
  }

  /** A new one, without users and nodes. */
  static async start(release: Release): Promise<LoopbackHeadscale> {
    const folder = await Deno.makeTempDir({ prefix: "hct" });
    const address = `127.${crypto.getRandomValues(new Uint8Array(3)).map(inMiddle).join(".")}`;
    const caPem = await makeCertificates(folder, address);
    await Deno.writeTextFile(`${folder}/config.yaml`, settings(folder, address));
    const server = new LoopbackHeadscale(folder, address, caPem);
    try {
      await server.start(release);
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Starts a release with what is there. */
  async start(release: Release): Promise<void> {
    this.#release = release;
    // The kernel ends it when the thread of the test does; see setpriv(1).
    const args = ["--pdeathsig", "KILL", this.#program, "-c", this.#config, "serve"];
    const options = { clearEnv: true, env: { PATH: Deno.env.get("PATH") ?? "" } } as const;
    const pipes = { stdin: "null", stdout: "null", stderr: "piped" } as const;
    this.#child = new Deno.Command("setpriv", { args, ...options, ...pipes }).spawn();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#reading = readLog(this.#child.stderr, resolve, reject);
    await promise;
  }

  async stop(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    child?.kill("SIGKILL");
    await child?.status;
    await this.#reading;
  }

  /** Runs a command of its own, and answers what it prints. */
  async tell(...args: readonly string[]): Promise<string> {
    return (await run(this.#program, "-c", this.#config, ...args)).trim();
  }

  /** Asks its REST API, past our client. */
  async ask(apiKey: string, method: string, path: string, body?: unknown): Promise<unknown> {
    using client = Deno.createHttpClient({ caCerts: [this.caPem] });
    const response = await fetch(`${this.url}/api/v1/${path}`, {
      method,
      headers: { authorization: `Bearer ${apiKey}` },
      ...body !== undefined && { body: JSON.stringify(body) },
      client,
    });
    if (response.ok) return await response.json();
    throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  }

  /** Makes a node that advertises routes, without a machine: up to 0.26 they are kept. */
  async addNode(
    apiKey: string,
    { user, name, routes }: { user: string; name: string; routes: readonly string[] },
  ): Promise<DebugNode> {
    // 24 characters; from 0.29 on after a prefix: hscontrol/types/common.go.
    const random = crypto.getRandomValues(new Uint8Array(18)).toBase64({ alphabet: "base64url" });
    const key = this.#release === "0.29.2" ? `hskey-authreq-${random}` : random;
    await this.ask(apiKey, "POST", "debug/node", { user, key, name, routes });
    const path = `node/register?user=${user}&key=${key}`;
    const { node } = Object(await this.ask(apiKey, "POST", path));
    return { id: node.id, nodeKey: node.nodeKey };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await Deno.remove(this.#folder, { recursive: true });
  }

  get #program(): string {
    return findHeadscale(this.#release).path;
  }

  get #config(): string {
    return `${this.#folder}/config.yaml`;
  }
}

/** From 1 to 254: neither a network nor a broadcast address. */
function inMiddle(byte: number): number {
  return 1 + byte % 254;
}

/** Reads to the end; tells when it serves, or that it ended before. */
async function readLog(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  serves: () => void,
  ended: (error: Error) => void,
): Promise<void> {
  let log = "";
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    log = (log + chunk).slice(-20_000);
    if (log.includes("listening and serving HTTP on")) serves();
  }
  ended(new Error(`Cannot start Headscale:\n${log}`));
}

/** An authority's certificate and one of the server, as files; answers the authority's. */
async function makeCertificates(folder: string, address: string): Promise<string> {
  const made = ["req", "-x509", "-days", "1", ...KEY_TYPE];
  const ca = [`${folder}/ca.pem`, `${folder}/ca-key.pem`] as const;
  await run("openssl", ...made, "-subj", "/CN=hct", "-out", ca[0], "-keyout", ca[1]);
  const names = ["-subj", "/CN=hs", "-addext", `subjectAltName=IP:${address}`];
  const leaf = ["-addext", "basicConstraints=critical,CA:FALSE", "-CA", ca[0], "-CAkey", ca[1]];
  const files = ["-out", `${folder}/cert.pem`, "-keyout", `${folder}/key.pem`];
  await run("openssl", ...made, ...names, ...leaf, ...files);
  return await Deno.readTextFile(ca[0]);
}

/** What every release from 0.25 to 0.29 reads, as JSON, which is YAML: config-example.yaml. */
function settings(folder: string, address: string): string {
  const server = {
    enabled: true,
    region_id: 999,
    region_code: "test",
    region_name: "test",
    stun_listen_addr: `${address}:3478`,
    private_key_path: `${folder}/derp.key`,
    automatically_add_embedded_derp_region: true,
    ipv4: address,
  };
  return JSON.stringify({
    server_url: `https://${address}`,
    listen_addr: `${address}:443`,
    // Up to 0.26 an empty one is a port on every address of the machine.
    metrics_listen_addr: `${address}:9090`,
    grpc_listen_addr: `${address}:50443`,
    unix_socket: `${folder}/headscale.sock`,
    tls_cert_path: `${folder}/cert.pem`,
    tls_key_path: `${folder}/key.pem`,
    noise: { private_key_path: `${folder}/noise.key` },
    prefixes: { v4: "100.64.0.0/10", v6: "fd7a:115c:a1e0::/48", allocation: "sequential" },
    derp: { server, urls: [], paths: [], auto_update_enabled: false },
    disable_check_updates: true,
    policy: { mode: "database" },
    database: { type: "sqlite", sqlite: { path: `${folder}/db.sqlite` } },
    dns: {
      magic_dns: false,
      base_domain: "tailnet.test",
      override_local_dns: false,
      nameservers: { global: [] },
    },
    log: { level: "info", format: "text" },
  });
}
