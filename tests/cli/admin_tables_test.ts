/** What the verbs of `headcni ipam` print of a store: tables as they were written down, and JSON. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { putAttachment } from "../../lib/store/attachments.ts";
import { addressKey, SCHEMA_KEY } from "../../lib/store/keys.ts";
import { parseAddress } from "../../lib/net/address.ts";
import { AdminNode, DEAD_NETNS, leaseOf, type LeaseSeed } from "./admin_node.ts";
import { assertGolden } from "./golden.ts";
import { runProgram } from "./program.ts";

const WEB: LeaseSeed = {
  containerId: "0123456789abcdef",
  addresses: ["10.244.0.2/24", "fd00:10::2/64"],
  pod: { namespace: "default", name: "web-0", uid: "u-1" },
};
const OTHER_WEB: LeaseSeed = {
  containerId: "c3",
  addresses: ["10.244.0.10/24"],
  pod: { namespace: "shop", name: "web-0" },
  restMs: 0,
};
const BARE: LeaseSeed = { containerId: "c4", addresses: ["10.244.0.3/24"], netns: "", bootId: "" };
const DEAD: LeaseSeed = {
  containerId: "c5",
  addresses: ["10.244.0.4/24"],
  pod: { namespace: "default", name: "gone" },
  netns: DEAD_NETNS,
  bootId: "an-earlier-boot",
};
const RELEASED: LeaseSeed = {
  containerId: "c6",
  addresses: ["10.244.0.5/24"],
  pod: { namespace: "shop", name: "cart-7d9c4" },
};

/** A node with some of everything. */
async function makeNode(): Promise<AdminNode> {
  const node = await AdminNode.make();
  await node.seed([OTHER_WEB, WEB, BARE, DEAD, RELEASED]);
  await node.release("c6");
  await using store = await node.openStore();
  const { key, pod, netns, bootId, createdMs } = leaseOf(WEB);
  await store.write((tx) =>
    putAttachment(tx, {
      ...{ key, pod, netns, bootId, createdMs, phase: "added", hostLink: "veth1234" },
      config: {},
    })
  );
  return node;
}

const tables: readonly [name: string, code: number, args: string][] = [
  ["ls", 0, "ls"],
  ["ls-resting", 0, "ls --resting"],
  ["ls-other-network", 0, "ls --network other"],
  ["show-address", 0, "show fd00:10::2"],
  ["show-pod", 0, "show default/gone"],
  ["show-bare", 0, "show 10.244.0.3"],
  ["show-resting", 0, "show 10.244.0.5"],
  ["show-ambiguous", 2, "show web-0"],
  ["show-unknown-address", 1, "show 10.244.0.99"],
  ["show-unknown-pod", 1, "show default/nobody"],
  ["stats", 0, "stats"],
  ["check", 0, "check"],
  ["gc-dry-run", 0, "gc --dry-run"],
  ["gc", 0, "gc"],
  ["release", 0, "release 10.244.0.4"],
  ["release-living", 1, "release 10.244.0.2"],
  ["release-unknown-netns", 1, "release 10.244.0.3"],
  ["release-forced", 0, "release 10.244.0.10 --force"],
  ["release-unknown", 1, "release 10.244.0.5"],
  ["release-no-address", 2, "release web-0"],
  ["gc-bad-grace", 2, "gc --grace soon"],
  ["misspelt-verb", 2, "lss"],
  ["misspelt-option", 2, "ls --netwrok pods"],
  ["missing-argument", 2, "show"],
];

for (const [name, code, args] of tables) {
  Deno.test(`headcni ipam ${args}: prints what was written down`, async () => {
    await using node = await makeNode();
    const { stdout, stderr, ...outcome } = await node.run("ipam", ...args.split(" "));
    assertEquals(outcome.code, code, stderr);
    await assertGolden(`ipam-${name}`, stdout + stderr, { ROOT: node.root });
  });
}

for (const args of ["ls", "show 10.0.0.1", "stats", "check", "gc", "release 10.0.0.1", "export"]) {
  Deno.test(`headcni ipam ${args}: tells that there is no store`, async () => {
    await using node = await AdminNode.make();
    assertEquals(await node.run("ipam", ...args.split(" ")), {
      code: 1,
      stdout: "",
      stderr: `headcni: Cannot find a store in "${node.root}/data": nothing was ever attached ` +
        `there; --store names another folder\n`,
    });
  });
}

/** Runs a verb and reads its JSON. */
async function json(node: AdminNode, ...args: string[]) {
  const { code, stdout, stderr } = await node.run("ipam", ...args, "-o", "json");
  assertEquals([code, stderr], [0, ""]);
  return JSON.parse(stdout);
}

Deno.test("headcni ipam ls -o json: leases by address, and what rests", async () => {
  await using node = await makeNode();
  const { leases, resting, ...others } = await json(node, "ls", "--resting");
  assertEquals(others, {});
  assertEquals(leases.map(({ containerId }: { containerId: string }) => containerId), [
    ...["0123456789abcdef", "c4", "c5", "c3"],
  ]);
  const { createdMs, createdUptimeMs, bootId, hostNetns } = leases[0];
  assert(createdMs < Date.now() && createdUptimeMs > 0 && bootId.length === 36);
  assertMatch(hostNetns, /^net:\[\d+\]$/);
  assertEquals(leases[0], {
    store: `${node.root}/data`,
    network: "pods",
    containerId: "0123456789abcdef",
    ifname: "eth0",
    addresses: [
      { address: "10.244.0.2/24", gateway: "10.244.0.1" },
      { address: "fd00:10::2/64", gateway: "fd00:10::1" },
    ],
    pool: "default",
    pod: { namespace: "default", name: "web-0", uid: "u-1" },
    netns: "/proc/self/ns/net",
    restMs: 3_630_000,
    ...{ bootId, createdMs, createdUptimeMs, hostNetns },
  });
  const [{ remainingMs, ...rest }] = resting;
  assertEquals(rest, {
    ...{ store: `${node.root}/data`, network: "pods", address: "10.244.0.5" },
    last: { containerId: "c6", ifname: "eth0", pod: { namespace: "shop", name: "cart-7d9c4" } },
  });
  assert(remainingMs > 3_600_000 && remainingMs <= 3_630_000);
  assertEquals((await json(node, "ls")).resting, undefined);
});

Deno.test("headcni ipam show -o json: namespace, boot, and what ADD recorded", async () => {
  await using node = await makeNode();
  const { leases: [web], resting } = await json(node, "show", "10.244.0.2");
  assertEquals(resting, []);
  assertEquals([web.netnsState, web.isOfThisBoot], ["present", true]);
  assertEquals(web.attachment, {
    ...{ phase: "added", hostLink: "veth1234", createdMs: web.attachment.createdMs },
  });
  const { leases: [gone] } = await json(node, "show", "gone");
  assertEquals([gone.netnsState, gone.isOfThisBoot], ["gone", false]);
  assertEquals("attachment" in gone, false);
  const { leases: [bare] } = await json(node, "show", "10.244.0.3");
  assertEquals([bare.netnsState, "isOfThisBoot" in bare], ["unknown", false]);
});

Deno.test("headcni ipam stats -o json: the keys that monitoring knows", async () => {
  await using node = await makeNode();
  const stats = await json(node, "stats");
  const usage = { cooling_ips: 1, claimed_ips: 0, utilization_percent: 1.58 };
  const both = { ...usage, total_ips: 2 ** 64, allocated_ips: 5, available_ips: 2 ** 64 };
  const store = `${node.root}/data`;
  const cidr = "10.244.0.0/24,fd00:10::/64";
  assertEquals(stats.node, { ...both, node_name: "worker-1", pod_cidr: cidr });
  assertEquals(stats.networks, [{ store, network: "pods", cidr, ...both }]);
  assertEquals(stats.pools, [{
    ...{ store, network: "pods", name: "default", cidr, ...both, reserved_ips: 2 },
    next_ip: "10.244.0.6,fd00:10::3",
    range_sets: [
      {
        ...{ cidr: "10.244.0.0/24", ...usage, total_ips: 253, allocated_ips: 4, reserved_ips: 1 },
        ...{ available_ips: 248, next_ip: "10.244.0.6" },
      },
      {
        ...{ cidr: "fd00:10::/64", total_ips: 2 ** 64, allocated_ips: 1, available_ips: 2 ** 64 },
        ...{ cooling_ips: 0, claimed_ips: 0, utilization_percent: 0, reserved_ips: 1 },
        next_ip: "fd00:10::3",
      },
    ],
  }]);
  assertEquals(stats.counters, [
    { store, metric: "releases", labels: ["pods", "default"], value: 1 },
    { store, metric: "restored", labels: ["pods"], value: 5 },
  ]);
});

Deno.test("headcni ipam gc: frees what is dead, tells why, and leaves the rest", async () => {
  await using node = await makeNode();
  const tried = await json(node, "gc", "--dry-run");
  const report = await json(node, "gc", "--network", "pods");
  const address = ({ addresses }: { addresses: { address: string }[] }) => addresses[0]?.address;
  assertEquals([tried.dryRun, report.dryRun], [true, false]);
  for (const { freed, failed, kept } of [tried, report]) {
    assertEquals(freed.map(address), ["10.244.0.4/24"]);
    assertEquals(freed[0].proofs.length, 2);
    assertEquals(failed, []);
    assertEquals(kept.length, 3);
    assert(kept.every(({ reason }: { reason: string }) => reason.length > 0));
  }
  const { leases } = await json(node, "ls");
  assertEquals(leases.map(address), ["10.244.0.2/24", "10.244.0.3/24", "10.244.0.10/24"]);
});

Deno.test("headcni ipam release -o json: tells what was released, which rests", async () => {
  await using node = await makeNode();
  const { released } = await json(node, "release", "10.244.0.2", "--force");
  assertEquals(released.containerId, "0123456789abcdef");
  const { leases, resting } = await json(node, "ls", "--resting");
  assertEquals(leases.length, 3);
  assertEquals(resting.map(({ address }: { address: string }) => address).sort(), [
    ...["10.244.0.2", "10.244.0.5", "fd00:10::2"],
  ]);
});

Deno.test("headcni ipam: what is changed by hand is in the log of the plugin", async () => {
  await using node = await makeNode();
  const exported = await node.run("ipam", "export", "--file", `${node.root}/export.json`);
  assertEquals(exported.code, 0);
  await json(node, "gc", "--dry-run");
  await json(node, "gc");
  await json(node, "release", "10.244.0.10", "--force");
  const run = await node.run("ipam", "import", "--from", "export", `${node.root}/export.json`);
  assertEquals(run.code, 0);
  const lines = (await Deno.readTextFile(`${node.root}/plugin.log`)).trimEnd().split("\n")
    .map((line) => JSON.parse(line));
  assertEquals(
    lines.map(({ message, verb, containerId, freed, imported }) => [
      ...[message, verb, containerId ?? freed ?? imported],
    ]),
    [
      ["Released the lease of a dead pod", undefined, "c5"],
      ["Done", "ipam gc", 1],
      ["Done", "ipam release", "c3"],
      ["Done", "ipam import", 2],
    ],
  );
});

Deno.test("headcni ipam release: an address of two networks needs one named", async () => {
  await using node = await makeNode();
  await node.seed([{ ...BARE, network: "other" }]);
  const { code, stderr } = await node.run("ipam", "release", "10.244.0.3", "--force");
  assertEquals(code, 2);
  assertStringIncludes(stderr, `network "other" in ${node.root}/data, network "pods" in`);
  const released = await node.run(
    ...["ipam", "release", "10.244.0.3", "--force", "--network", "other"],
  );
  assertEquals(released.code, 0);
  assertEquals((await json(node, "show", "10.244.0.3")).leases.length, 1);
});

Deno.test("headcni ipam: several stores are told apart", async () => {
  await using node = await makeNode();
  await node.seed([{ ...BARE, containerId: "d1" }], `${node.root}/second`);
  // Without HEADCNI_DATA_DIR all that were used since boot are meant.
  node.env.HEADCNI_DATA_DIR = "";
  const { leases } = await json(node, "ls", "--network", "pods");
  const stores = new Set(leases.map(({ store }: { store: string }) => store));
  assert(stores.has(`${node.root}/data`) && stores.has(`${node.root}/second`));
  const { stdout } = await node.run("ipam", "ls");
  assertMatch(stdout, /^ADDRESS .* AGE +STORE\n/);
  const exported = await node.run("ipam", "export");
  assertEquals(exported.code, 2);
  assertStringIncludes(exported.stderr, `"${node.root}/data", "${node.root}/second"`);
});

Deno.test("headcni ipam check: tells every fault, and that the next ADD mends it", async () => {
  await using node = await makeNode();
  {
    await using store = await node.openStore();
    await store.write((tx) => tx.delete(addressKey("pods", parseAddress("10.244.0.2"))));
    await store.write((tx) => tx.set(addressKey("pods", parseAddress("10.244.0.3")), 1));
  }
  const { code, stdout, stderr } = await node.run("ipam", "check");
  assertEquals(code, 1);
  await assertGolden("ipam-check-faults", stdout + stderr, { ROOT: node.root });
  const again = await node.run("ipam", "check", "-o", "json");
  const { stores: [{ store, faults }] } = JSON.parse(again.stdout);
  assertEquals([again.code, store], [1, `${node.root}/data`]);
  assert(faults.length > 0);
});

for (const args of ["ls", "stats", "gc", "release 10.244.0.2", "export"]) {
  Deno.test(`headcni ipam ${args}: tells that the store is damaged`, async () => {
    await using node = await makeNode();
    await Deno.writeTextFile(`${node.root}/data/state.kv`, "noise".repeat(10_000));
    const { code, stdout, stderr } = await node.run("ipam", ...args.split(" "));
    assertEquals([code, stdout], [1, ""]);
    assertStringIncludes(stderr, `"${node.root}/data/state.kv"`);
    assertStringIncludes(stderr, "The next ADD or DEL sets the damaged file aside");
  });
}

for (const args of ["ipam ls", "ipam stats", "ipam gc", "ipam export"]) {
  Deno.test(`headcni ${args}: tells that a newer release wrote the store`, async () => {
    await using node = await makeNode();
    {
      await using store = await node.openStore();
      await store.write((tx) => tx.set(SCHEMA_KEY, { version: 9, readableFrom: 9 }));
    }
    const { code, stdout, stderr } = await node.run(...args.split(" "));
    assertEquals([code, stdout], [1, ""]);
    assertStringIncludes(
      stderr,
      `headcni: Cannot read the store in "${node.root}/data": a newer release wrote it`,
    );
  });
}

Deno.test("headcni ipam ls: a store in doubt is examined before it can end the program", async () => {
  await using node = await makeNode();
  const path = `${node.root}/data/state.kv`;
  const bytes = await Deno.readFile(path);
  // The first page says what file it is; without a lock nobody says that it was left in order.
  bytes.fill(0xa5, 4096);
  await Deno.writeFile(path, bytes);
  await Deno.remove(`${node.root}/run`, { recursive: true });
  const { code, stdout, stderr } = await runProgram({ args: ["ipam", "ls"], env: node.env });
  assertEquals([code, stdout], [1, ""]);
  assertStringIncludes(stderr, `headcni: Cannot use the store "${path}"`);
  assertStringIncludes(stderr, "The next ADD or DEL sets the damaged file aside");
});

Deno.test("headcni ipam stats: a network whose ranges nobody told is named", async () => {
  await using node = await AdminNode.make();
  await node.seed([{ ...BARE, network: "untold" }]);
  const { stdout } = await node.run("ipam", "stats");
  assertStringIncludes(stdout, "Network untold: its ranges are not known before the next ADD");
});
