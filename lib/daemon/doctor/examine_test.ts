import { assertEquals, assertStringIncludes } from "@std/assert";
import { ensureDir } from "@std/fs";
import { dirname } from "@std/path";
import { FakeApiServer } from "../../../tests/fakes/api_server.ts";
import { listedHost } from "../../../tests/fakes/listed_host.ts";
import { TracedNode } from "../../../tests/fakes/traced_node.ts";
import type { DoctorSights, Look, SightName } from "../../doctor/sight.ts";
import { KernelError } from "../../errors.ts";
import { loadSettings } from "../settings/load.ts";
import { readFlags } from "../settings/read_flags.ts";
import { examineNode } from "./examine.ts";
import type { DoctorOptions } from "./scene.ts";

/** Settings in which nothing is wrong. */
const SOUND: DoctorOptions["settings"] = { saw: { path: "/x", faults: [], warnings: [] } };

/** A node whose files lie below its own root. */
class SeenNode {
  readonly traced: TracedNode;
  readonly #env: Readonly<Record<string, string>>;

  constructor(traced: TracedNode, env: Readonly<Record<string, string>>) {
    this.traced = traced;
    this.#env = env;
  }

  get root(): string {
    return `${this.traced.root}/machine`;
  }

  async write(path: string, text: string, mode = 0o644): Promise<void> {
    await ensureDir(dirname(`${this.root}${path}`));
    await Deno.writeTextFile(`${this.root}${path}`, text, { mode });
  }

  async look<Name extends SightName>(
    name: Name,
    change: Readonly<Record<string, string>> = {},
    settings: DoctorOptions["settings"] = SOUND,
  ): Promise<Look<DoctorSights[Name]>> {
    const { context, root } = this.traced;
    const env = {
      HEADCNI_RUN_DIR: `${root}/run`,
      HEADCNI_DATA_DIR: `${root}/store`,
      MONITORING_ENABLED: "false",
      HEADCNI_KUBE_ACCESS: "off",
      ...this.#env,
      ...change,
    };
    const loaded = loadSettings({ line: readFlags([]), env, defaultPath: "/nonexistent/x" });
    const looks = await examineNode({
      loaded,
      settings,
      attach: { ...context, env: { ...env, PATH: `${this.root}/bin` } },
      root: this.root,
      executable: undefined,
    }, [name]);
    return looks[name] ?? { blind: "not looked at" };
  }

  async saw<Name extends SightName>(name: Name): Promise<DoctorSights[Name]> {
    const look = await this.look(name);
    if ("saw" in look) return look.saw;
    throw new Error(look.blind);
  }
}

function onNode(
  test: (node: SeenNode) => Promise<void>,
  env: Readonly<Record<string, string>> = {},
): () => Promise<void> {
  return async () => {
    await using traced = await TracedNode.make();
    await test(new SeenNode(traced, env));
  };
}

Deno.test(
  "examineNode: systemd-networkd by its files, the last one wins, of one name that of /etc",
  onNode(async (node) => {
    assertEquals((await node.saw("services")).networkd, undefined);
    await node.write("/run/systemd/netif/state", "");
    await node.write("/etc/systemd/networkd.conf", "[Network]\n#ManageForeignRoutes=no\n");
    await node.write("/usr/lib/systemd/networkd.conf.d/90.conf", "ManageForeignRoutes=yes\n");
    await node.write("/etc/systemd/networkd.conf.d/90.conf", "ManageForeignRoutes = no\n");
    await node.write("/etc/systemd/networkd.conf.d/95.conf", "ManageForeignRoutingPolicyRules=no");
    assertEquals((await node.saw("services")).networkd, {
      manageForeignRoutes: "no",
      manageForeignRules: "no",
    });
  }),
);

Deno.test(
  "examineNode: what NetworkManager leaves alone, forwarding switched off, files of others",
  onNode(async (node) => {
    assertEquals((await node.saw("services")).unmanaged, undefined);
    await node.write("/run/NetworkManager/conf.d/a.conf", "[keyfile]\nunmanaged-devices=a;b\n");
    await node.write(
      "/etc/sysctl.d/10.conf",
      "net.ipv4.ip_forward=0\n-net/ipv6/conf/all/forwarding = 0",
    );
    await node.write("/etc/sysctl.d/99.conf", "net.ipv4.ip_forward = 1\n");
    await node.write("/run/flannel/subnet.env", "");
    const { unmanaged, sysctlFiles, foreignFiles, latest } = await node.saw("services");
    assertEquals(unmanaged, ["a", "b"]);
    assertEquals(sysctlFiles, ["/etc/sysctl.d/10.conf has net.ipv6.conf.all.forwarding=0"]);
    assertEquals(foreignFiles, ["/run/flannel/subnet.env"]);
    assertEquals(latest.ms, 0);
  }),
);

const STATUS = {
  ...{ version: "9", reasons: [], warnings: ["w"], podCidrs: ["10.9.0.0/24"], source: "config" },
  ...{ origin: "o", clusterCidrs: [], serviceCidrs: [], more: 1 },
};

async function serving(node: SeenNode, body: string, test: () => Promise<void>): Promise<void> {
  await ensureDir(`${node.traced.root}/run`);
  const path = `${node.traced.root}/run/daemon.sock`;
  const server = Deno.serve({ path, onListen: () => {} }, () => new Response(body));
  await test();
  await server.shutdown();
}

Deno.test(
  "examineNode: the daemon, and the network that it uses",
  onNode(async (node) => {
    node.traced.openHost = () => ({ ...listedHost([]), listRoutes: () => [] });
    const none = await node.saw("daemon");
    assertEquals(none.status, undefined);
    assertStringIncludes(none.trouble, "there is no such socket");
    await serving(node, JSON.stringify(STATUS), async () => {
      assertEquals((await node.saw("daemon")).status?.version, "9");
      assertEquals((await node.saw("podNetwork")).chosen?.origin, "o");
    });
    await serving(node, "{}", async () => {
      assertStringIncludes((await node.saw("daemon")).trouble, "of another release?");
    });
    await serving(node, "no JSON", async () => {
      assertStringIncludes((await node.saw("daemon")).trouble, "JSON");
    });
  }),
);

Deno.test(
  "examineNode: what the runtime says of itself, by crictl",
  onNode(async (node) => {
    assertEquals(await node.look("runtimeView"), { blind: "crictl is not installed" });
    const cni = { confDir: "/etc/cni/net.d", binDir: "/opt/cni/bin" };
    const conditions = [{ type: "NetworkReady", status: false, reason: "R", message: "m" }];
    const info = { status: { conditions }, config: { cni }, lastCNILoadStatus: "L" };
    await node.write("/bin/crictl", `#!/bin/sh\necho '${JSON.stringify(info)}'\n`, 0o755);
    assertEquals(await node.saw("runtimeView"), {
      confDirectory: "/etc/cni/net.d",
      binDirectories: ["/opt/cni/bin"],
      loadStatus: "L",
      notReady: "R: m",
      ownFolders: ["/etc/cni/net.d"],
      ownBinaries: ["/opt/cni/bin"],
    });
    await node.write("/bin/crictl", "#!/bin/sh\necho no runtime >&2\nexit 1\n", 0o755);
    assertEquals(await node.look("runtimeView"), { blind: "crictl info: no runtime" });
  }),
);

Deno.test(
  "examineNode: where the kernel refuses, who may look is told; nothing else suffers",
  onNode(async (node) => {
    node.traced.openHost = () => {
      throw new KernelError("socket", 1, "Cannot open: EPERM");
    };
    assertEquals(await node.look("kernel"), { blind: "needs root: Cannot open: EPERM" });
    assertEquals("saw" in await node.look("confs"), true);
  }),
);

Deno.test(
  "examineNode: what settings name is not judged by defaults where they may not be read",
  onNode(async (node) => {
    const hidden = { blind: "needs root: daemon.yaml may not be read" };
    for (const name of ["podNetwork", "api", "mesh"] as const) {
      assertEquals(await node.look(name, {}, hidden), hidden, name);
    }
    assertEquals("saw" in await node.look("confs", {}, hidden), true);
  }),
);

Deno.test(
  "examineNode: without a tailnet the mesh is not looked at",
  onNode(async (node) => {
    assertEquals(await node.look("mesh"), { blind: "tailscale.mode is off" });
  }, { TAILSCALE_MODE: "off" }),
);

Deno.test(
  "examineNode: the API server, and one that never answers, for which nothing else waits",
  onNode(async (node) => {
    node.traced.openHost = () => ({ ...listedHost([]), listRoutes: () => [] });
    await using server = await FakeApiServer.start();
    const { server: address, caPem = "", token } = server.access;
    const config = {
      "current-context": "c",
      clusters: [{
        name: "k",
        cluster: { server: address, "certificate-authority-data": btoa(caPem) },
      }],
      users: [{ name: "u", user: { token: token() } }],
      contexts: [{ name: "c", context: { cluster: "k", user: "u" } }],
    };
    await node.write("/kubeconfig", JSON.stringify(config));
    const env = {
      ...{ HEADCNI_KUBE_ACCESS: "auto", KUBECONFIG: `${node.root}/kubeconfig` },
      ...{ NODE_NAME: server.nodeName, NODE_POD_CIDR: "10.9.0.0/24" },
    };
    const told = await node.look("api", env);
    assertEquals("saw" in told && told.saw.finding, { fault: "it has not assigned any yet" });
    const held = Promise.withResolvers<void>();
    server.behaviour.hold = held.promise;
    const late = await node.look("api", env);
    const network = await node.look("podNetwork", env);
    held.resolve();
    assertEquals(late, { blind: "no answer within 3 s" });
    assertEquals("saw" in network && network.saw.chosen?.origin, "NODE_POD_CIDR");
  }),
);
