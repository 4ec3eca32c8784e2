/** The real program in the role `headcni-ipam`: many processes, streams, exit codes, broken disks. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";

const MAIN = fromFileUrl(new URL("../../main.ts", import.meta.url));

/** Calls at once, as after the start of a node. */
const CALLS = 64;

Deno.test("headcni-ipam: 64 ADD at once get 64 addresses, DEL of all frees them", async () => {
  await using node = await makeNode();
  const ids = Array.from({ length: CALLS }, (_, i) => `c${i}`);
  const added = await Promise.all(ids.map((id) => node.call("ADD", id)));
  for (const answer of added) assertEquals([answer.code, answer.stderr], [0, ""]);
  const addresses = added.map(({ stdout }) => JSON.parse(stdout).ips[0].address);
  assertEquals(new Set(addresses).size, CALLS);
  const removed = await Promise.all(ids.map((id) => node.call("DEL", id)));
  assertEquals(removed.map(({ code, stdout }) => `${code}${stdout}`), ids.map(() => "0"));
  const again = await node.call("CHECK", "c0");
  assertEquals([again.code, JSON.parse(again.stdout).code], [1, 109]);
  // The round goes on, so the next one is new, and the subnet has room for all of them again.
  const next = await node.call("ADD", "c0");
  assertEquals(addresses.includes(JSON.parse(next.stdout).ips[0].address), false);
});

Deno.test("headcni-ipam: a second ADD of an attachment fails and changes nothing", async () => {
  await using node = await makeNode();
  await node.call("ADD", "c1");
  const second = await node.call("ADD", "c1");
  assertEquals(second.code, 1);
  const { code, msg, cniVersion } = JSON.parse(second.stdout);
  assertEquals({ code, msg, cniVersion }, {
    code: 104,
    msg: "10.244.0.2 has been allocated to c1, duplicate allocation is not allowed",
    cniVersion: "1.0.0",
  });
  assertEquals((await node.call("CHECK", "c1")).code, 0);
});

Deno.test({
  name: "headcni-ipam: a full and a read-only file system fail an ADD cleanly (needs root)",
  ignore: Deno.uid() !== 0,
  async fn() {
    await using node = await makeNode();
    await using disk = await mountSmallDisk(`${node.root}/data`);
    const call = (verb: string, id: string) => node.call(verb, id, disk.enter);
    assertEquals((await call("ADD", "c1")).code, 0);
    await disk.run(`head -c 2m /dev/zero > ${node.root}/data/filler || true`);
    await assertStoreFailure(await call("ADD", "c2"), `${node.root}/data`);
    await disk.run(`rm ${node.root}/data/filler`);
    assertEquals((await call("CHECK", "c1")).code, 0);
    assertEquals(JSON.parse((await call("CHECK", "c2")).stdout).code, 109);
    const added = await call("ADD", "c2");
    assertEquals(JSON.parse(added.stdout).ips[0].address, "10.244.0.3/24");
    await disk.run(`mount -o remount,ro ${node.root}/data`);
    await assertStoreFailure(await call("ADD", "c3"), `${node.root}/data`);
    const status = await call("STATUS", "");
    assertEquals([status.code, JSON.parse(status.stdout).code], [1, 50]);
  },
});

function assertStoreFailure({ code, stdout }: Answer, path: string): void {
  const answer = JSON.parse(stdout);
  assertEquals([code, answer.code], [1, 103]);
  assertStringIncludes(answer.msg, path);
  assert(answer.details);
}

/** What a call left behind. */
interface Answer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A store, a run directory and a log of a test's own. */
interface TestNode extends AsyncDisposable {
  readonly root: string;
  /**
   * Runs the program once.
   * @param enter a command that runs what stands behind it, such as nsenter(1).
   */
  call(verb: string, containerId: string, enter?: readonly string[]): Promise<Answer>;
}

async function makeNode(): Promise<TestNode> {
  const root = await Deno.makeTempDir({ prefix: "hct" });
  return {
    root,
    async call(verb, containerId, enter = []) {
      const [command = "", ...args] = [...enter, Deno.execPath(), "run", "-A", "--no-check", MAIN];
      const child = new Deno.Command(command, {
        args: [...args, "ipam"],
        env: {
          HEADCNI_DATA_DIR: `${root}/data`,
          HEADCNI_RUN_DIR: `${root}/run`,
          HEADCNI_LOG_FILE: `${root}/plugin.log`,
          CNI_COMMAND: verb,
          CNI_CONTAINERID: containerId,
          CNI_NETNS: "/var/run/netns/absent",
          CNI_IFNAME: "eth0",
          CNI_PATH: "/opt/cni/bin",
        },
        stdin: "piped",
        stdout: "piped",
        stderr: "piped",
      }).spawn();
      // A program that ends before it has read everything says why on its other streams.
      const written = new Blob([configText(verb)]).stream().pipeTo(child.stdin).catch(() => {});
      const { code, stdout, stderr } = await child.output();
      await written;
      const decoder = new TextDecoder();
      return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
    },
    async [Symbol.asyncDispose]() {
      await Deno.remove(root, { recursive: true });
    },
  };
}

function configText(verb: string): string {
  return JSON.stringify({
    cniVersion: verb === "STATUS" ? "1.1.0" : "1.0.0",
    name: "pods",
    type: "headcni",
    ipam: { type: "headcni-ipam", subnet: "10.244.0.0/24" },
  });
}

/** A file system of 1 MiB that only those see who enter its mount namespace. */
interface SmallDisk extends AsyncDisposable {
  /** Put before a command to run it there. */
  readonly enter: readonly string[];
  /** Runs a shell command there. */
  run(command: string): Promise<void>;
}

async function mountSmallDisk(directory: string): Promise<SmallDisk> {
  await Deno.mkdir(directory);
  const script = `mount -t tmpfs -o size=1m hct ${directory} && echo mounted && read -r _`;
  const keeper = new Deno.Command("unshare", {
    args: ["-m", "sh", "-c", script],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const reader = keeper.stdout.getReader();
  const { value } = await reader.read();
  assertEquals(new TextDecoder().decode(value), "mounted\n");
  const enter = ["nsenter", "-t", String(keeper.pid), "-m"];
  return {
    enter,
    async run(command) {
      const [program = "", ...args] = [...enter, "sh", "-c", command];
      assertEquals((await new Deno.Command(program, { args, stderr: "null" }).output()).code, 0);
    },
    async [Symbol.asyncDispose]() {
      await keeper.stdin.close();
      await reader.cancel();
      await keeper.status;
    },
  };
}
