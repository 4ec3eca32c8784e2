/**
 * A real API server of Kubernetes with its etcd, at an address of its own of the loopback network. No
 * node and no controller is there: objects are checked and kept, and nothing is made of them.
 */
import { join } from "@std/path";
import { pause } from "../../lib/pause.ts";
import { testUnless } from "../fakes/test_unless.ts";
import { run } from "../netns/namespace.ts";
import { HELM } from "./helm.ts";
import { findPeers } from "./peers.ts";

const PORTS = { api: 6443, etcd: 2379, etcdPeers: 2380 } as const;

/** How long it may take to start, and between two questions. */
const PATIENCE_MS = 120_000;
const ASK_AGAIN_MS = 50;

const { path: PROGRAMS, missing } = findPeers("kubernetes");

/** Registers a test that needs the API server and Helm; its name says why it is skipped. */
export function kubernetesTest(
  name: string,
  fn: (cluster: Cluster, t: Deno.TestContext) => Promise<void>,
): void {
  testUnless(missing || HELM.missing, `kubernetes: ${name}`, async (t) => {
    await using cluster = await Cluster.start();
    await fn(cluster, t);
  });
}

/** What came of a command. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The cluster; all that it keeps is gone with it. */
export class Cluster implements AsyncDisposable {
  readonly url: string;
  /** A folder with what clients need. */
  readonly folder: string;
  /** Of an administrator. */
  readonly kubeconfig: string;
  readonly #children: Deno.ChildProcess[] = [];

  private constructor(folder: string, address: string) {
    this.folder = folder;
    this.url = `https://${address}:${PORTS.api}`;
    this.kubeconfig = join(folder, "kubeconfig");
  }

  /** Starts one, and waits until it answers. */
  static async start(): Promise<Cluster> {
    const folder = await Deno.makeTempDir({ prefix: "hct" });
    const address = `127.${crypto.getRandomValues(new Uint8Array(3)).map(inMiddle).join(".")}`;
    const cluster = new Cluster(folder, address);
    try {
      await cluster.#start(address);
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Certificate by which the server shows who it is. */
  get caPem(): string {
    return Deno.readTextFileSync(join(this.folder, "certificates/apiserver.crt"));
  }

  /** Variables by which kubectl and Helm find it, and are found. */
  get environment(): Readonly<Record<string, string>> {
    return {
      KUBECONFIG: this.kubeconfig,
      HOME: this.folder,
      PATH: `${PROGRAMS}:${HELM.path.replace(/\/[^/]*$/, "")}:${Deno.env.get("PATH")}`,
    };
  }

  /** Runs a command with them, whatever becomes of it. */
  async try(command: readonly string[], stdin = ""): Promise<Outcome> {
    const [program = "", ...args] = command;
    const child = new Deno.Command("/usr/bin/env", {
      args: [program, ...args],
      clearEnv: true,
      env: { ...this.environment },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(stdin)).then(() => writer.close()).catch(() => {
      // It ended without reading.
    });
    const { code, stdout, stderr } = await child.output();
    const [out = "", said = ""] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    return { code, stdout: out, stderr: said };
  }

  /**
   * Runs a command with them.
   * @throws Error with what it said when it fails.
   */
  async run(command: readonly string[], stdin = ""): Promise<string> {
    const { code, stdout, stderr } = await this.try(command, stdin);
    if (code !== 0) throw new Error(`Cannot run "${command.join(" ")}": ${stderr}${stdout}`);
    return stdout;
  }

  kubectl(...args: readonly string[]): Promise<string> {
    return this.run(["kubectl", ...args]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children.toReversed()) {
      child.kill("SIGKILL");
      await child.status;
    }
    await Deno.remove(this.folder, { recursive: true });
  }

  async #start(address: string): Promise<void> {
    const path = (name: string) => join(this.folder, name);
    const token = crypto.randomUUID();
    await run(
      "openssl",
      "ecparam",
      "-name",
      "prime256v1",
      "-genkey",
      "-noout",
      "-out",
      path("key"),
    );
    await run("openssl", "ec", "-in", path("key"), "-pubout", "-out", path("key.pub"));
    await Deno.writeTextFile(path("tokens.csv"), `${token},admin,admin,system:masters\n`);
    await Deno.writeTextFile(
      this.kubeconfig,
      kubeconfigText(this.url, path("certificates"), token),
    );
    const etcd = `http://${address}:${PORTS.etcd}`;
    const peers = `http://${address}:${PORTS.etcdPeers}`;
    this.#spawn("server", [
      ...[`--data-dir=${path("etcd")}`, "--log-level=error", "--unsafe-no-fsync"],
      ...[`--listen-client-urls=${etcd}`, `--advertise-client-urls=${etcd}`],
      ...[`--listen-peer-urls=${peers}`, `--initial-advertise-peer-urls=${peers}`],
      `--initial-cluster=default=${peers}`,
    ]);
    const issuer = "--service-account-issuer=https://kubernetes.default.svc";
    this.#spawn("kube-apiserver", [
      ...[`--etcd-servers=${etcd}`, `--bind-address=${address}`, `--secure-port=${PORTS.api}`],
      ...[`--cert-dir=${path("certificates")}`, `--token-auth-file=${path("tokens.csv")}`],
      ...[issuer, `--service-account-signing-key-file=${path("key")}`],
      `--service-account-key-file=${path("key.pub")}`,
      ...["--authorization-mode=Node,RBAC", "--allow-privileged"],
      "--service-cluster-ip-range=10.96.0.0/16",
    ]);
    await this.#answers();
  }

  /** The kernel ends it when the thread of the test does; see setpriv(1). */
  #spawn(program: string, args: readonly string[]): void {
    this.#children.push(
      new Deno.Command("setpriv", {
        args: ["--pdeathsig", "KILL", join(PROGRAMS, program), ...args],
        clearEnv: true,
        stdin: "null",
        stdout: "null",
        stderr: "null",
      }).spawn(),
    );
  }

  async #answers(): Promise<void> {
    const end = AbortSignal.timeout(PATIENCE_MS);
    for (;;) {
      const { code, stderr } = await this.try(["kubectl", "get", "--raw", "/readyz"]);
      if (code === 0) return;
      if (end.aborted) throw new Error(`Cannot reach the API server: ${stderr}`);
      await pause(ASK_AGAIN_MS);
    }
  }
}

/** From 1 to 254. */
function inMiddle(byte: number): number {
  return 1 + byte % 254;
}

function kubeconfigText(server: string, certificates: string, token: string): string {
  return JSON.stringify({
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "test",
    "clusters": [{
      name: "test",
      cluster: { server, "certificate-authority": join(certificates, "apiserver.crt") },
    }],
    "users": [{ name: "test", user: { token } }],
    "contexts": [{ name: "test", context: { cluster: "test", user: "test" } }],
  });
}
