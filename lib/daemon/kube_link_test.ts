import { assertEquals } from "@std/assert";
import { FakeApiServer } from "../../tests/fakes/api_server.ts";
import { formatPrefix, parsePrefix } from "../net/prefix.ts";
import { KubeLink } from "./kube_link.ts";
import { emptyReport, type NodeReport } from "./report.ts";

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
  const patches = () => server.seen.filter(({ method }) => method === "PATCH");
  await linked.link.tell(report, new Date());
  assertEquals(patches().map(({ body }) => body), [{
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
  assertEquals(patches().length, 1);
});
