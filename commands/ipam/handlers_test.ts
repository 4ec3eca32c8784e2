import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { answerCall } from "../../lib/cni/protocol.ts";
import { pluginContext } from "../context.ts";
import { ipamHandlers } from "./handlers.ts";

Deno.test("headcni-ipam: ADD answers with addresses, routes and dns, and no interface", async () => {
  await using plugin = await makePlugin();
  const ipam = {
    type: "headcni-ipam",
    subnet: "10.244.0.0/24",
    gateway: "10.244.0.1",
    allocation_strategy: "sequential",
    routes: [{ dst: "0.0.0.0/0", gw: "10.244.0.1" }, { dst: "10.96.0.0/16", mtu: 1400 }],
    dns: { nameservers: ["10.96.0.10"], search: ["cluster.local"] },
  };
  const answers = [];
  for (const cniVersion of ["1.1.0", "0.4.0", "0.2.0"]) {
    answers.push(await plugin.call("ADD", `c-${cniVersion}`, { cniVersion, ipam }));
  }
  const dns = ipam.dns;
  assertEquals(answers, [
    {
      cniVersion: "1.1.0",
      ips: [{ address: "10.244.0.2/24", gateway: "10.244.0.1" }],
      routes: ipam.routes,
      dns,
    },
    {
      cniVersion: "0.4.0",
      ips: [{ version: "4", address: "10.244.0.3/24", gateway: "10.244.0.1" }],
      routes: [{ dst: "0.0.0.0/0", gw: "10.244.0.1" }, { dst: "10.96.0.0/16" }],
      dns,
    },
    {
      cniVersion: "0.2.0",
      ip4: {
        ip: "10.244.0.4/24",
        gateway: "10.244.0.1",
        routes: [{ dst: "0.0.0.0/0", gw: "10.244.0.1" }, { dst: "10.96.0.0/16" }],
      },
      dns,
    },
  ]);
});

Deno.test("headcni-ipam: ADD reads ranges, requests and resolvConf", async () => {
  await using plugin = await makePlugin();
  const resolvConf = `${plugin.dataDirectory}.resolv.conf`;
  Deno.writeTextFileSync(
    resolvConf,
    "nameserver 192.0.2.53\nsearch example.org\noptions ndots:5\n",
  );
  const answer = await plugin.call("ADD", "c1", {
    ipam: { ranges: [[{ subnet: "10.244.0.0/16", gateway: "10.244.0.1" }]], resolvConf },
    args: { cni: { ips: ["fd00::77"] } },
    runtimeConfig: { ipRanges: [[{ Subnet: "fd00::/64", RangeStart: "" }]] },
  }, { CNI_ARGS: "IgnoreUnknown=1;IP=10.244.3.4" });
  assertEquals(answer, {
    cniVersion: "1.0.0",
    ips: [
      { address: "fd00::77/64", gateway: "fd00::1" },
      { address: "10.244.3.4/16", gateway: "10.244.0.1" },
    ],
    dns: { nameservers: ["192.0.2.53"], search: ["example.org"], options: ["ndots:5"] },
  });
});

Deno.test("headcni-ipam: one attachment has one lease from ADD to DEL", async () => {
  await using plugin = await makePlugin();
  const config = { ipam: { subnet: "10.244.0.0/24" } };
  await plugin.call("ADD", "c1", config);
  assertEquals(await plugin.call("ADD", "c1", config), {
    cniVersion: "1.0.0",
    code: 104,
    msg: "10.244.0.2 has been allocated to c1, duplicate allocation is not allowed",
    details: '"pods/c1/eth0" has a lease; DEL must come before another ADD',
  });
  await plugin.call("ADD", "c1", config, { CNI_IFNAME: "eth1" });
  assertEquals(await plugin.call("CHECK", "c1", config), undefined);
  // The ranges of today do not matter: the lease knows what it has.
  for (const ipam of [{}, { subnet: "broken" }]) {
    assertEquals(await plugin.call("DEL", "c1", { ipam }), undefined);
  }
  assertEquals(await plugin.call("CHECK", "c1", config), {
    cniVersion: "1.0.0",
    code: 109,
    msg: "Failed to find address added by container c1",
    details: 'The store has no lease for "pods/c1/eth0"',
  });
  assertEquals(await plugin.call("CHECK", "c1", config, { CNI_IFNAME: "eth1" }), undefined);
});

Deno.test("headcni-ipam: what has no store makes none", async () => {
  await using plugin = await makePlugin();
  await plugin.call("DEL", "c1", { ipam: { subnet: "10.244.0.0/24" } });
  await plugin.call("CHECK", "c1", { ipam: { subnet: "10.244.0.0/24" } });
  await plugin.call("GC", "", { cniVersion: "1.1.0", ipam: { subnet: "10.244.0.0/24" } });
  await assertRejects(() => Deno.stat(plugin.dataDirectory), Deno.errors.NotFound);
});

Deno.test("headcni-ipam: the configured dataDir wins, ipam's first", async () => {
  await using plugin = await makePlugin();
  const { dataDirectory } = plugin;
  const ipam = { subnet: "10.244.0.0/24" };
  await plugin.call("ADD", "c1", { ipam, dataDir: `${dataDirectory}-network` });
  await plugin.call("ADD", "c1", {
    ipam: { ...ipam, dataDir: `${dataDirectory}-ipam` },
    dataDir: "/x",
  });
  for (const directory of [`${dataDirectory}-network`, `${dataDirectory}-ipam`]) {
    assertEquals((await Deno.stat(`${directory}/state.kv`)).isFile, true);
  }
  await assertRejects(() => Deno.stat(dataDirectory), Deno.errors.NotFound);
});

/** Configurations that cannot be served, and code and text of the answer. */
const REFUSED: [Record<string, unknown>, number, string][] = [
  [{}, 7, "IPAM config missing 'ipam' key"],
  [{ ipam: { type: "headcni-ipam" } }, 100, 'neither "subnet" nor "ranges"'],
  [{ ipam: { subnet: "10.244.0.0/31" } }, 7, "too small to allocate from"],
  [{ ipam: { subnet: "10.244.0.0/24", allocation_strategy: "lru" } }, 2, '"sequential"'],
  [{ ipam: { subnet: "10.244.0.0/24", resolvConf: "/nonexistent" } }, 7, "/nonexistent"],
  [{ ipam: { subnet: "10.244.0.0/24", routes: [{ dst: "x" }] } }, 7, "0.dst"],
  [{ ipam: { subnet: "10.244.0.0/24", dataDir: "state" } }, 7, "an absolute path wanted"],
  [{ ipam: { subnet: "10.244.0.0/24", dataDir: "/dev/null/x" } }, 103, "/dev/null/x"],
  [
    {
      cniVersion: "0.2.0",
      ipam: { ranges: [[{ subnet: "10.0.0.0/24" }], [{ subnet: "10.1.0.0/24" }]] },
    },
    7,
    "CNI version 0.2.0 does not support more than 1 address per family",
  ],
  [
    { ipam: { subnet: "10.244.0.0/24" }, runtimeConfig: { ips: ["10.9.0.1/24"] } },
    102,
    "failed to allocate all requested IPs: 10.9.0.1",
  ],
  [
    { ipam: { subnet: "10.244.0.0/30", rangeStart: "10.244.0.3", rangeEnd: "10.244.0.3" } },
    7,
    "range set 0 has no address for pods: nothing is left of 10.244.0.3-10.244.0.3",
  ],
];

for (const [config, code, text] of REFUSED) {
  Deno.test(`headcni-ipam: ADD refuses ${JSON.stringify(config)}`, async () => {
    await using plugin = await makePlugin();
    const answer = await plugin.call("ADD", "c1", config);
    assertEquals(answer?.code, code);
    assertStringIncludes(String(answer?.msg), text);
    assertEquals((await plugin.call("CHECK", "c1", { ipam: {} }))?.code, 109);
  });
}

Deno.test("headcni-ipam: GC releases what is not in the list, of this network only", async () => {
  await using plugin = await makePlugin();
  const config = {
    cniVersion: "1.1.0",
    ipam: { ranges: [[{ subnet: "10.244.0.0/24" }], [{ subnet: "fd00::/64" }]] },
  };
  const ids = Array.from({ length: 20 }, (_, i) => `c${i}`);
  for (const id of ids) await plugin.call("ADD", id, config);
  await plugin.call("ADD", "c1", { ...config, name: "other" });
  const leased = async (network: Record<string, unknown>) => {
    const answers = await Promise.all(ids.map((id) => plugin.call("CHECK", id, network)));
    return ids.filter((_, index) => answers[index] === undefined);
  };
  const valid = [{ containerID: "c3", ifname: "eth0" }, { containerID: "c4", ifname: "eth9" }];
  await plugin.call("GC", "", { ...config, "cni.dev/valid-attachments": valid });
  assertEquals(await leased(config), ["c3"]);
  await plugin.call("GC", "", { ...config, "cni.dev/valid-attachments": [] });
  assertEquals(await leased(config), []);
  assertEquals(await leased({ ...config, name: "other" }), ["c1"]);
});

Deno.test("headcni-ipam: STATUS says why an ADD could not work", async () => {
  await using plugin = await makePlugin();
  const status = (ipam: unknown) => plugin.call("STATUS", "", { cniVersion: "1.1.0", ipam });
  const small = { subnet: "10.244.0.0/30" };
  assertEquals(await status(small), undefined);
  await plugin.call("ADD", "c1", { ipam: small });
  const cases: [unknown, string][] = [
    [small, "no IP addresses available in range set: 10.244.0.1-10.244.0.2"],
    [{}, 'neither "subnet" nor "ranges"'],
    [{ ...small, dataDir: "/dev/null/x" }, "/dev/null/x"],
  ];
  for (const [ipam, text] of cases) {
    const answer = await status(ipam);
    assertEquals(answer?.code, 50);
    assertStringIncludes(String(answer?.msg), text);
  }
  // An address that rests would be given to an ADD: nothing else is free.
  await plugin.call("DEL", "c1", { ipam: small });
  assertEquals(await status(small), undefined);
  // There is no pod whose pool it could be.
  assertEquals(await status({ pools: [{ name: "back", ...small }] }), undefined);
});

Deno.test("headcni-ipam: ADD chooses the pool by the pod's namespace, or by its annotation", async () => {
  await using plugin = await makePlugin();
  const ipam = {
    subnet: "10.244.0.0/24",
    pools: [
      { name: "front", namespaces: ["web", "www"], subnet: "10.244.1.0/24" },
      { name: "back", subnet: "10.244.2.0/24" },
    ],
  };
  const annotated = (annotations: Record<string, string>) => ({
    ipam,
    runtimeConfig: { "io.kubernetes.cri.pod-annotations": annotations },
  });
  const inWeb = { CNI_ARGS: "K8S_POD_NAMESPACE=web;K8S_POD_NAME=front-1" };
  const cases: [Record<string, unknown>, Record<string, string>, string][] = [
    [{ ipam }, {}, "10.244.0.2/24"],
    [{ ipam }, inWeb, "10.244.1.2/24"],
    [annotated({ "headcni.io/pool": "back" }), inWeb, "10.244.2.2/24"],
    [annotated({ "headcni.io/ips": "10.244.1.77" }), inWeb, "10.244.1.77/24"],
  ];
  for (const [index, [config, env, address]] of cases.entries()) {
    const answer = await plugin.call("ADD", `c${index}`, config, env);
    assertEquals(Object(answer).ips?.[0].address, address);
  }
  const refused = await plugin.call("ADD", "c9", annotated({ "headcni.io/pool": "rear" }), inWeb);
  assertStringIncludes(String(refused?.msg), "rear");
});

/** The plugin with a store of its own. */
interface Plugin extends AsyncDisposable {
  readonly dataDirectory: string;
  /** Calls a verb; answers what it printed, undefined for nothing. */
  call(
    verb: string,
    containerId: string,
    config: Record<string, unknown>,
    env?: Record<string, string>,
  ): Promise<Record<string, unknown> | undefined>;
}

async function makePlugin(): Promise<Plugin> {
  const root = await Deno.makeTempDir({ prefix: "hct" });
  const dataDirectory = `${root}/data`;
  const handlers = ipamHandlers(pluginContext({
    HEADCNI_DATA_DIR: dataDirectory,
    HEADCNI_RUN_DIR: `${root}/run`,
    HEADCNI_LOG_LEVEL: "error",
    HEADCNI_LOG_FILE: `${root}/plugin.log`,
  }));
  return {
    dataDirectory,
    async call(verb, containerId, config, env = {}) {
      const stdin = { cniVersion: "1.0.0", name: "pods", type: "headcni", ...config };
      const answer = await answerCall({
        env: {
          CNI_COMMAND: verb,
          CNI_CONTAINERID: containerId,
          CNI_NETNS: "/var/run/netns/absent",
          CNI_IFNAME: "eth0",
          CNI_PATH: "/opt/cni/bin",
          ...env,
        },
        readStdin: () => new TextEncoder().encode(JSON.stringify(stdin)),
        peekStdin: () => Promise.resolve(new Uint8Array()),
      }, handlers);
      return answer.stdout === "" ? undefined : JSON.parse(answer.stdout);
    },
    async [Symbol.asyncDispose]() {
      await Deno.remove(root, { recursive: true });
    },
  };
}
