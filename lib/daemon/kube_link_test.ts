import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { FakeApiServer } from "../../tests/fakes/api_server.ts";
import { logged } from "../../tests/fakes/logged.ts";
import { parsePrefix } from "../net/prefix.ts";
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

Deno.test("KubeLink: without access, or where none is wanted, nothing is asked", async () => {
  const root = await Deno.makeTempDir({ prefix: "hct" });
  try {
    const none = new KubeLink(settingsOf(), {}, root);
    assertEquals(none.finding, { fault: "no kubeconfig, and no service account" });
    await none.follow(emptyReport(), () => {}, new AbortController().signal);
    await none.tell(configured(), NOW);
    assertEquals(new KubeLink(settingsOf("--kube-access", "off"), {}, root).finding, undefined);
    const broken = new KubeLink(settingsOf("--kubeconfig", `${root}/none`), {}, root);
    assert(broken.finding && "fault" in broken.finding);
    assertStringIncludes(broken.finding.fault, `${root}/none`);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

/** What was patched, in order. */
function patches({ seen }: FakeApiServer): string[] {
  return seen.filter(({ method }) => method === "PATCH")
    .map(({ path }) => path.endsWith("/status") ? "status" : "annotations");
}
