import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { FakeApiServer } from "../../tests/fakes/api_server.ts";
import { logged } from "../../tests/fakes/logged.ts";
import { formatPrefix, parsePrefix } from "../net/prefix.ts";
import { KubeLink } from "./kube_link.ts";
import { emptyReport, type NodeReport } from "./report.ts";
import { loadSettings } from "./settings/load.ts";
import { readFlags } from "./settings/read_flags.ts";

const NOW = new Date("2026-01-02T03:04:05.678Z");

/** A report of a node whose network is in use, from a source. */
function configured(source: "config" | "api-server" = "config"): NodeReport {
  const cidrs = ["10.9.0.0/24", "fd00:9::/64"].map(parsePrefix);
  const chosen = { cidrs, source, origin: "", isNodeLocal: true, reasons: [] };
  const cluster = {
    clusterCidrs: [],
    serviceCidrs: [],
    perNodeLengths: { 4: 24, 6: 64 },
    reasons: [],
  };
  const verdict = { refused: [], warnings: [] };
  return {
    ...emptyReport(),
    isConfigured: true,
    discovery: { chosen, cluster, verdict, reasons: [] },
  };
}

function settingsOf(...flags: readonly string[]) {
  const line = readFlags(["--node-name", "edge-7", ...flags]);
  return loadSettings({ line, env: {}, defaultPath: "/nonexistent" }).settings;
}

/** A link to a server that follows its node, once it knows of it. */
async function withLink(
  server: FakeApiServer,
  fn: (link: KubeLink, changed: () => Promise<void>) => Promise<void>,
): Promise<void> {
  const kubeconfig = await Deno.makeTempFile({ prefix: "hct" });
  const { server: address, caPem = "" } = server.access;
  const cluster = { server: address, "certificate-authority-data": btoa(caPem) };
  await Deno.writeTextFile(
    kubeconfig,
    JSON.stringify({
      contexts: [{ name: "x", context: { cluster: "x", user: "x" } }],
      clusters: [{ name: "x", cluster }],
      users: [{ name: "x", user: { token: "secret" } }],
    }),
  );
  const link = new KubeLink(settingsOf("--kubeconfig", kubeconfig), {}, "");
  const end = new AbortController();
  let next = Promise.withResolvers<void>();
  const changed = () => next.promise;
  const following = link.follow(emptyReport(), () => {
    next.resolve();
    next = Promise.withResolvers();
  }, end.signal);
  try {
    await changed();
    await server.watched(1);
    await fn(link, changed);
  } finally {
    end.abort();
    await following;
    link.close();
    await Deno.remove(kubeconfig);
  }
}

Deno.test("KubeLink: says why it has no prefixes, and has them once they are assigned", async () => {
  await using server = await FakeApiServer.start();
  await withLink(server, async (link, changed) => {
    assertEquals(link.finding, { fault: "it has not assigned any yet" });
    const assigned = changed();
    server.assign("10.244.1.0/24", "fd00:1::/64");
    await assigned;
    const cidrs = ["10.244.1.0/24", "fd00:1::/64"].map(parsePrefix);
    assertEquals(link.finding, { cidrs });
    const odd = changed();
    server.assign("10.244.1.0/99");
    await odd;
    assert(link.finding && "fault" in link.finding);
    assertStringIncludes(link.finding.fault, "10.244.1.0/99");
    const gone = changed();
    server.remove();
    await gone;
    assertEquals(link.finding, { fault: 'it has no node "edge-7"' });
  });
});

Deno.test("KubeLink: tells what is used, and that the network is there, until the API knows", async () => {
  await using server = await FakeApiServer.start();
  await withLink(server, async (link, changed) => {
    await link.tell(emptyReport(), NOW);
    assertEquals(patches(server), [], "nothing is known yet");
    await link.tell({ ...configured(), isConfigured: false }, NOW);
    assertEquals(patches(server), ["annotations"], "no pod could come yet");
    const known = changed();
    await link.tell(configured(), NOW);
    await known;
    const { body } = server.seen.findLast(({ method }) => method === "PATCH") ?? {};
    assertStringIncludes(JSON.stringify(body), '"lastTransitionTime":"2026-01-02T03:04:05Z"');
    const before = patches(server).length;
    await link.tell(configured(), NOW);
    assertEquals(patches(server).length, before, "what is known is not told again");
    await link.tell(configured("api-server"), NOW);
    assertEquals(patches(server).slice(before), ["annotations"], "the source is another");
  });
});

Deno.test("KubeLink: what is forbidden is asked for once, other failures again", async () => {
  await using server = await FakeApiServer.start();
  await withLink(server, async (link) => {
    server.behaviour.refusePatch = 500;
    await link.tell(configured(), NOW);
    server.behaviour.refusePatch = 403;
    const text = await logged("info", async () => {
      await link.tell(configured(), NOW);
      await link.tell(configured(), NOW);
    });
    assertEquals(text.match(/Cannot tell the API server/g)?.length, 2);
    assertEquals(patches(server), ["annotations", "status", "annotations", "status"]);
  });
});

/** A link that follows until it is disposed of, on a node of its own. */
class Linked implements AsyncDisposable {
  readonly report: NodeReport = emptyReport();
  readonly link: KubeLink;
  readonly #root = Deno.makeTempDirSync({ prefix: "hct" });
  readonly #end = new AbortController();
  readonly #running: Promise<void>;
  #wake: () => void = () => {};

  constructor(access: "auto" | "off" = "auto") {
    Deno.mkdirSync(`${this.#root}/etc/kubernetes`, { recursive: true });
    const kube = { access, kubeconfig: undefined };
    this.link = new KubeLink({ kube, node: { name: "edge-7" } }, {}, this.#root);
    const delays = { firstDelayMs: 5, maxDelayMs: 20, accessDelayMs: 5 };
    this.#running = this.link.follow(this.report, () => this.#wake(), this.#end.signal, delays);
  }

  /** As k3s does after a start, or when its certificates are renewed. */
  async writeKubeconfig({ access: { server, caPem = "", token } }: FakeApiServer): Promise<void> {
    const cluster = { server, "certificate-authority-data": btoa(caPem) };
    const text = JSON.stringify({
      contexts: [{ name: "fake", context: { cluster: "fake", user: "fake" } }],
      clusters: [{ name: "fake", cluster }],
      users: [{ name: "fake", user: { token: token() } }],
    });
    await Deno.writeTextFile(`${this.#root}/new`, text);
    await Deno.rename(`${this.#root}/new`, `${this.#root}/etc/kubernetes/kubelet.conf`);
  }

  /** What the link says, as text. */
  get found(): string | undefined {
    const { finding } = this.link;
    if (!finding) return undefined;
    return "cidrs" in finding ? finding.cidrs.map(formatPrefix).join(" ") : finding.fault;
  }

  /** Waits until the API server names these. */
  async finds(cidrs: string): Promise<void> {
    while (this.found !== cidrs) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    await this.#running;
    this.link.close();
    await Deno.remove(this.#root, { recursive: true });
  }
}

Deno.test("KubeLink: a kubeconfig that comes late is used, and one that takes its place", async () => {
  await using server = await FakeApiServer.start();
  await using other = await FakeApiServer.start();
  server.assign("10.244.1.0/24");
  other.assign("10.244.2.0/24", "fd00:2::/64");
  await using linked = new Linked();
  const none = "no kubeconfig, and no service account";
  assertEquals([linked.found, linked.report.kubeTrouble], [none, none]);
  await linked.writeKubeconfig(server);
  await linked.finds("10.244.1.0/24");
  assertEquals(linked.report.kubeTrouble, undefined);
  await server.watched(1);
  await linked.writeKubeconfig(other);
  server.behaviour.refuse = 401;
  server.endWatches();
  await linked.finds("10.244.2.0/24 fd00:2::/64");
});

Deno.test("KubeLink: one that is off asks nobody", async () => {
  await using linked = new Linked("off");
  assertEquals([linked.found, linked.report.kubeTrouble], [undefined, undefined]);
});

Deno.test("KubeLink: tells networks, source and time once", async () => {
  await using server = await FakeApiServer.start();
  server.assign("10.244.1.0/24");
  await using linked = new Linked();
  await linked.writeKubeconfig(server);
  await linked.finds("10.244.1.0/24");
  await server.watched(1);
  const chosen = {
    cidrs: ["10.244.1.0/24", "fd00:1::/64"].map(parsePrefix),
    source: "api-server",
    origin: "spec.podCIDRs",
    isNodeLocal: true,
    reasons: [],
  } as const;
  const report = {
    ...linked.report,
    podCidrSince: "2026-01-01T00:00:00.000Z",
    discovery: {
      chosen,
      cluster: { clusterCidrs: [], serviceCidrs: [], perNodeLengths: {}, reasons: [] },
      verdict: { refused: [], warnings: [] },
      reasons: [],
    },
  };
  await linked.link.tell(report, new Date());
  assertEquals(server.seen.filter(({ method }) => method === "PATCH").map(({ body }) => body), [{
    metadata: {
      annotations: {
        "headcni.pod.cidr": "10.244.1.0/24,fd00:1::/64",
        "headcni.pod.cidr.source": "api-server",
        "headcni.pod.cidr.since": "2026-01-01T00:00:00.000Z",
      },
    },
  }]);
  server.assign("10.244.9.0/24"); // what the patch changed was told before this
  await linked.finds("10.244.9.0/24");
  await linked.link.tell(report, new Date());
  assertEquals(patches(server).length, 1);
});

/** What was patched, in order. */
function patches({ seen }: FakeApiServer): string[] {
  return seen.filter(({ method }) => method === "PATCH")
    .map(({ path }) => path.endsWith("/status") ? "status" : "annotations");
}
