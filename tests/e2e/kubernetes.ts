/**
 * A real API server of Kubernetes with its etcd: by default at an address of its own of the loopback
 * network, where no node and no controller is; objects are checked and kept, and nothing is made of them.
 */
import { join } from "@std/path";
import { pause } from "../../lib/pause.ts";
import { testUnless } from "../fakes/test_unless.ts";
import { run } from "../netns/namespace.ts";
import { HELM } from "./helm.ts";
import { findPeers } from "./peers.ts";
import { loopbackPlace, type ServerPlace } from "./server_place.ts";
import { TestProcess } from "./tailnet/process.ts";

const PORTS = { api: 6443, etcd: 2379, etcdPeers: 2380 } as const;

/** Longer than any command takes. */
const COMMAND_MS = 300_000;
/** How long it may take to start, and between two questions. */
const PATIENCE_MS = 120_000;
const ASK_AGAIN_MS = 50;

const { path: PROGRAMS, missing } = findPeers("kubernetes");

/** Why no cluster can be made; empty when it can. */
export const MISSING_KUBERNETES: string = missing || HELM.missing;

/** Registers a test that needs the API server and Helm; its name says why it is skipped. */
export function kubernetesTest(
  name: string,
  fn: (cluster: Cluster, t: Deno.TestContext) => Promise<void>,
): void {
  testUnless(MISSING_KUBERNETES, `kubernetes: ${name}`, async (t) => {
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
  readonly #place: ServerPlace;
  readonly #children: TestProcess[] = [];

  private constructor(folder: string, place: ServerPlace) {
    this.folder = folder;
    this.url = `https://${place.address}:${PORTS.api}`;
    this.kubeconfig = join(folder, "kubeconfig");
    this.#place = place;
  }

  /** Starts one, and waits until it answers. */
  static async start(place = loopbackPlace()): Promise<Cluster> {
    const folder = await Deno.makeTempDir({ prefix: "hct" });
    const cluster = new Cluster(folder, place);
    try {
      await cluster.#start();
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

  /** Starts a command with them beside the server; the signal ends it, if nothing else does. */
  begin(command: readonly string[], signal: AbortSignal): Deno.ChildProcess {
    const [program = "", ...args] = [...this.#place.enter, "/usr/bin/env", ...command];
    return new Deno.Command(program, {
      args,
      clearEnv: true,
      env: { ...this.environment },
      signal,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  }

  /** Runs a command with them beside the server, whatever becomes of it. */
  async try(command: readonly string[], stdin = ""): Promise<Outcome> {
    const child = this.begin(command, AbortSignal.timeout(COMMAND_MS));
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
    for (const child of this.#children.toReversed()) await child.end("SIGKILL");
    await Deno.remove(this.folder, { recursive: true });
  }

  /**
   * Starts the controllers and the scheduler.
   * @param podCidr networks of nodes are parts of it.
   */
  startControllers(podCidr: string): void {
    const shared = [`--kubeconfig=${this.kubeconfig}`, "--leader-elect=false"];
    this.spawn("kube-controller-manager", [
      ...[...shared, "--allocate-node-cidrs", `--cluster-cidr=${podCidr}`],
      `--service-account-private-key-file=${join(this.folder, "key")}`,
      `--root-ca-file=${join(this.folder, "certificates/apiserver.crt")}`,
      `--flex-volume-plugin-dir=${join(this.folder, "volume-plugins")}`,
    ]);
    this.spawn("kube-scheduler", shared);
  }

  /**
   * Starts a program of Kubernetes; it ends with the cluster.
   * @param enter what stands before it, where it runs elsewhere than the server.
   */
  spawn(program: string, args: readonly string[], enter = this.#place.enter): void {
    const command = [...enter, join(PROGRAMS, program), ...args];
    const logFile = join(this.folder, `${program}.log`);
    this.#children.push(TestProcess.start({ command, logFile }));
  }

  async #start(): Promise<void> {
    const { address } = this.#place;
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
    this.spawn("server", [
      ...[`--data-dir=${path("etcd")}`, "--log-level=error", "--unsafe-no-fsync"],
      ...[`--listen-client-urls=${etcd}`, `--advertise-client-urls=${etcd}`],
      ...[`--listen-peer-urls=${peers}`, `--initial-advertise-peer-urls=${peers}`],
      `--initial-cluster=default=${peers}`,
    ]);
    const issuer = "--service-account-issuer=https://kubernetes.default.svc";
    this.spawn("kube-apiserver", [
      ...[`--etcd-servers=${etcd}`, `--bind-address=${address}`, `--secure-port=${PORTS.api}`],
      ...[`--cert-dir=${path("certificates")}`, `--token-auth-file=${path("tokens.csv")}`],
      ...[issuer, `--service-account-signing-key-file=${path("key")}`],
      `--service-account-key-file=${path("key.pub")}`,
      ...["--authorization-mode=Node,RBAC", "--allow-privileged"],
      ...[
        "--service-cluster-ip-range=10.96.0.0/16",
        "--kubelet-preferred-address-types=InternalIP",
      ],
    ]);
    await this.#answers();
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
