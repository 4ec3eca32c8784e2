/**
 * Does what README says under "Your first two nodes", command by command, on two nodes that have nothing
 * but tailscaled: only the server's name and a network of each node's own are put in. The runtime is the
 * real libcni.
 */
import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { HEADCNI, missingProgram } from "../cli/shipped.ts";
import { pastedBlocks } from "../fakes/readme.ts";
import { testUnless } from "../fakes/test_unless.ts";
import { run, TestNetns } from "../netns/namespace.ts";
import { emptyDirectories, type PrivateMounts } from "../netns/private_mounts.ts";
import { findPeers } from "./peers.ts";
import { HeadscaleServer } from "./tailnet/headscale.ts";
import { Internet } from "./tailnet/internet.ts";
import { missingMesh } from "./tailnet/mesh.ts";
import { TestProcess } from "./tailnet/process.ts";
import { until } from "./tailnet/until.ts";

const SECTION = ["The mesh", "Your first two nodes"] as const;
const CLUSTER = "10.42.0.0/16";

const missing = missingProgram() || missingMesh() || findPeers("libcni").missing;

testUnless(missing, "README: two nodes by the commands of its chapter", async () => {
  const [onServer = "", onNode = "", ...others] = pastedBlocks(...SECTION, "sh");
  const [settings = "", ...files] = pastedBlocks(...SECTION, "yaml");
  assertEquals([others, files], [[], []]);
  await using internet = await Internet.make();
  await using headscale = await HeadscaleServer.start(internet, "0.29.2", "{}", []);
  const key = await prepareServer(headscale, commandsOf(onServer));
  await internet.watch(CLUSTER);
  await using red = await NewNode.make(internet, headscale);
  await using blue = await NewNode.make(internet, headscale);
  for (const [index, node] of [red, blue].entries()) {
    await node.write("/etc/headcni/auth-key", `${key}\n`);
    const own = settings.replace("10.42.1.0/24", `10.42.${index + 1}.0/24`);
    await node.write(
      "/etc/headcni/daemon.yaml",
      own.replace("https://headscale.example.com", headscale.url),
    );
  }
  const [start = "", ...looks] = commandsOf(onNode);
  assertEquals(start, "headcni daemon &");
  for (const node of [red, blue]) node.start("headcni", "daemon");
  for (const look of looks) {
    for (const node of [red, blue]) {
      // The first words of a daemon take a moment, and a node hears of another one when that has come.
      const wanted = look.includes("--probe") ? "answers" : "";
      await until(look, async () => (await node.run(look)).includes(wanted));
    }
  }
  const [from, to] = [await red.addPod(), await blue.addPod()];
  await from.netns.run("ping", "-c1", "-W5", to.address);
  await to.netns.run("ping", "-c1", "-W5", from.address);
  assertEquals(await internet.seen(), 0);
});

/** Commands of a block, without its remarks. */
function commandsOf(block: string): string[] {
  return block.trim().split("\n").map((line) => line.replace(/ +#.*$/, ""));
}

/** Does what is to be done on the server; answers the pre-auth key. */
async function prepareServer(
  headscale: HeadscaleServer,
  commands: readonly string[],
): Promise<string> {
  let key = "";
  for (const command of commands) {
    const [program, ...words] = command.split(/ +/);
    if (program === "headcni") {
      await headscale.setPolicy(await run(HEADCNI, ...words));
      headscale.reload();
    } else {
      assertEquals(program, "headscale");
      key = (await headscale.cli(...words)).trim().split("\n").at(-1) ?? "";
    }
  }
  return key;
}

/** A machine with tailscaled and the program, and nothing else. */
class NewNode implements AsyncDisposable {
  readonly #host: TestNetns;
  readonly #mounts: PrivateMounts;
  readonly #root: string;
  readonly #owned: AsyncDisposableStack;

  private constructor(
    host: TestNetns,
    mounts: PrivateMounts,
    root: string,
    owned: AsyncDisposableStack,
  ) {
    this.#host = host;
    this.#mounts = mounts;
    this.#root = root;
    this.#owned = owned;
  }

  static async make(internet: Internet, { caFile }: HeadscaleServer): Promise<NewNode> {
    await using owned = new AsyncDisposableStack();
    const root = await Deno.makeTempDir({ prefix: "hct" });
    owned.defer(() => Deno.remove(root, { recursive: true }));
    const host = owned.use(await TestNetns.make("host"));
    await internet.plug(host);
    const mounts = owned.use(await emptyDirectories({ root }));
    // What its programs write to /etc, such as the name servers, stays with it; it has no runtime whose
    // settings would lead to folders of this machine.
    await mounts.run(`
      mkdir ${root}/etc
      mount -t tmpfs hct ${root}/etc
      mkdir ${root}/etc/upper ${root}/etc/work
      mount -t overlay -o lowerdir=/etc,upperdir=${root}/etc/upper,workdir=${root}/etc/work hct /etc
      rm -rf /etc/cni /etc/headcni /etc/containerd /etc/crio
      mount -t tmpfs hct /opt
      mkdir -p /opt/cni/bin /etc/cni/net.d`);
    const node = new NewNode(host, mounts, root, owned.move());
    const state = ["--tun", "tailscale0", "--port", "41641", "--no-logs-no-support"];
    node.start("env", `SSL_CERT_FILE=${caFile}`, "tailscaled", ...state);
    return node;
  }

  /** Writes a file that only root reads. */
  async write(path: string, text: string): Promise<void> {
    const from = join(this.#root, "pasted");
    await Deno.writeTextFile(from, text, { mode: 0o600 });
    await this.#mounts.run(`mkdir -p $(dirname ${path}) && cp -p ${from} ${path}`);
  }

  /** Starts a program that runs until the end of the test. */
  start(...command: readonly string[]): void {
    const logFile = join(this.#root, "log");
    const env = { PATH: this.#path };
    this.#owned.use(TestProcess.start({ command: [...this.#enter, ...command], env, logFile }));
  }

  /** Runs a line of the shell; the error of one that fails has all that it said. */
  run(line: string): Promise<string> {
    const [first = "", ...enter] = this.#enter;
    const telling = `said=$(${line}) && echo "$said" || { echo "$said" >&2; exit 1; }`;
    return run(first, ...enter, "env", `PATH=${this.#path}`, "sh", "-c", telling);
  }

  /** Adds a pod by the configuration that the daemon wrote. */
  async addPod(): Promise<{ readonly netns: TestNetns; readonly address: string }> {
    const netns = this.#owned.use(await TestNetns.make("pod"));
    const cni = "NETCONFPATH=/etc/cni/net.d CNI_PATH=/opt/cni/bin";
    const result = JSON.parse(await this.run(`${cni} cnitool add headcni ${netns.path}`));
    return { netns, address: result.ips[0].address.split("/")[0] };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned[Symbol.asyncDispose]();
  }

  get #enter(): string[] {
    return [...this.#mounts.enter, `--net=${this.#host.path}`];
  }

  get #path(): string {
    const peers = ["tailscale", "libcni"].map((module) => findPeers(module).path);
    return [...peers, join(HEADCNI, ".."), Deno.env.get("PATH")].join(":");
  }
}
