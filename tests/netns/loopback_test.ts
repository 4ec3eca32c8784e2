/** The loopback plugin on `lo` of a fresh namespace. */
import { assertEquals, assertRejects } from "@std/assert";
import { pluginContext } from "../../commands/context.ts";
import { loopbackHandlers } from "../../commands/loopback/handlers.ts";
import { parseNetworkConfig } from "../../lib/cni/network_config.ts";
import type { Request } from "../../lib/cni/request.ts";
import { formatResult } from "../../lib/cni/result_codec.ts";
import { ConfigError, HeadcniError } from "../../lib/errors.ts";
import { executableFile, runProgram } from "../cli/program.ts";
import { netnsTest, TestNetns } from "./namespace.ts";

/** What containerd sends for every pod. */
const CONFIG = { cniVersion: "0.3.1", name: "cni-loopback", type: "loopback" };

const handlers = loopbackHandlers(pluginContext({ HEADCNI_LOG_FILE: "/dev/null" }));

function requestFor(netns: string, config: Record<string, unknown> = CONFIG): Request {
  return {
    verb: "ADD",
    containerId: "c1",
    netns,
    ifname: "lo",
    argsText: "",
    args: new Map(),
    pod: {},
    path: [],
    config: parseNetworkConfig(config, "0.3.1", "ADD"),
  };
}

async function isUp(pod: TestNetns): Promise<boolean> {
  const [lo] = await pod.ip("link", "show", "dev", "lo");
  return Array.isArray(lo?.flags) && lo.flags.includes("UP");
}

/**
 * A test on a fresh namespace that ends with `lo` down. A `lo` that was up once keeps its IPv4
 * address and its queue: at the end all must be as ip(8) leaves it in the same case.
 */
function loopbackTest(name: string, fn: (pod: TestNetns) => Promise<void>): void {
  netnsTest(name, async () => {
    await using pod = await TestNetns.make("lo");
    await fn(pod);
    await using example = await TestNetns.make("ex");
    await example.run("ip", "link", "set", "lo", "up");
    await example.run("ip", "link", "set", "lo", "down");
    assertEquals(await pod.snapshot(), await example.snapshot());
  });
}

loopbackTest("loopback: ADD brings lo up with both addresses, DEL takes it down", async (pod) => {
  const request = requestFor(pod.path);
  const result = await handlers.ADD(request);
  assertEquals(await isUp(pod), true);
  assertEquals(JSON.parse(JSON.stringify(formatResult(result, "0.3.1"))), {
    cniVersion: "0.3.1",
    interfaces: [{ name: "lo", mac: "00:00:00:00:00:00", sandbox: pod.path }],
    ips: [
      { version: "4", interface: 0, address: "127.0.0.1/8" },
      { version: "6", interface: 0, address: "::1/128" },
    ],
  });
  assertEquals(await handlers.ADD(request), result, "a second ADD finds it as it is");
  await handlers.CHECK(request);
  await handlers.DEL(request);
  await handlers.DEL(request);
  assertEquals(await isUp(pod), false);
});

loopbackTest("loopback: CHECK tells what is wrong", async (pod) => {
  const request = requestFor(pod.path);
  const check = () => Promise.resolve().then(() => handlers.CHECK(request));
  await assertRejects(check, HeadcniError, 'Cannot confirm interface "lo": it is down');
  await handlers.ADD(request);
  await pod.run("ip", "address", "flush", "dev", "lo");
  await assertRejects(check, HeadcniError, '"lo": 127.0.0.1 is missing');
  await handlers.DEL(request);
  await handlers.ADD(request);
  await handlers.CHECK(request);
  await handlers.DEL(request);
});

loopbackTest("loopback: CHECK wants ::1 where ADD found it", async (pod) => {
  const result = await handlers.ADD(requestFor(pod.path));
  const prevResult = JSON.parse(JSON.stringify(formatResult(result, "0.3.1")));
  const request = requestFor(pod.path, { ...CONFIG, prevResult });
  await handlers.CHECK(request);
  await pod.run("ip", "address", "delete", "::1/128", "dev", "lo");
  await assertRejects(
    () => Promise.resolve().then(() => handlers.CHECK(request)),
    HeadcniError,
    '"lo": ::1 is missing',
  );
  await handlers.CHECK(requestFor(pod.path));
  await handlers.DEL(request);
});

loopbackTest("loopback: it is for lo, whatever interface the caller names", async (pod) => {
  const request = { ...requestFor(pod.path), ifname: "eth0" };
  assertEquals((await handlers.ADD(request)).interfaces.map(({ name }) => name), ["lo"]);
  assertEquals(await isUp(pod), true);
  await handlers.CHECK(request);
  await handlers.DEL(request);
  assertEquals(await isUp(pod), false);
});

loopbackTest("loopback: without IPv6 there is no IPv6 address", async (pod) => {
  await pod.run("sysctl", "-qw", "net.ipv6.conf.lo.disable_ipv6=1");
  const { ips } = await handlers.ADD(requestFor(pod.path));
  assertEquals(ips.map(({ address }) => address.address.family), [4]);
  await handlers.DEL(requestFor(pod.path));
});

loopbackTest("loopback: ADD passes the result of earlier plugins on", async (pod) => {
  const prevResult = { cniVersion: "0.3.1", ips: [{ version: "4", address: "10.0.0.2/24" }] };
  const request = requestFor(pod.path, { ...CONFIG, prevResult });
  assertEquals(await handlers.ADD(request), request.config.prevResult);
  await handlers.DEL(request);
});

netnsTest("loopback: DEL of a namespace that is gone, or was never named, succeeds", async () => {
  await handlers.DEL(requestFor("/run/netns/hct-none"));
  await handlers.DEL(requestFor(""));
});

netnsTest("loopback: ADD refuses missing namespaces and our own", async () => {
  for (const netns of ["/run/netns/hct-none", "/proc/self/ns/net", "/run"]) {
    const error = await assertRejects(
      () => Promise.resolve().then(() => handlers.ADD(requestFor(netns))),
      ConfigError,
    );
    assertEquals(error.reason, "invalid-netns");
  }
});

loopbackTest("loopback: an ADD whose answer nobody reads is taken back", async (pod) => {
  const directory = await Deno.makeTempDir();
  try {
    const executable = `${directory}/loopback`;
    await Deno.copyFile(await executableFile(directory), executable);
    const env = {
      CNI_COMMAND: "ADD",
      CNI_CONTAINERID: "c1",
      CNI_NETNS: pod.path,
      CNI_IFNAME: "lo",
      CNI_PATH: directory,
      HEADCNI_LOG_FILE: `${directory}/log`,
    };
    const call = { executable, env, stdin: JSON.stringify(CONFIG) };
    assertEquals((await runProgram({ ...call, closeStdout: true })).code, 1);
    assertEquals(await isUp(pod), false);
    assertEquals((await runProgram(call)).code, 0);
    assertEquals(await isUp(pod), true);
    assertEquals((await runProgram({ ...call, env: { ...env, CNI_COMMAND: "DEL" } })).code, 0);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
