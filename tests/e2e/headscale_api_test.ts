/** Our client of Headscale's REST API with real servers, over TLS with an authority of the test. */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { HeadscaleClient } from "../../lib/headscale/client.ts";
import { HeadscaleError } from "../../lib/headscale/headscale_error.ts";
import { formatAddress } from "../../lib/net/address.ts";
import { formatPrefix, parsePrefix } from "../../lib/net/prefix.ts";
import { missingRoot, testUnless } from "../fakes/test_unless.ts";
import { addNode, askApi, type DebugNode, startOnLoopback } from "./loopback_headscale.ts";
import { findHeadscale, type HeadscaleServer, type HeadscaleVersion } from "./tailnet/headscale.ts";

/** How a release differs from the others, as far as a caller or a server can see it. */
interface Row {
  readonly release: HeadscaleVersion;
  readonly generation: "routes" | "approve";
  /** Whether a node without a machine keeps the routes that it was made with. */
  readonly keepsRoutes: boolean;
  /** Whose a key with tags is, when a user is asked for. */
  readonly ownerOfTagged: string;
  readonly key: RegExp;
  /** What a wrong API key is answered with. */
  readonly refusal: RegExp;
}

const ROWS: readonly Row[] = [
  {
    release: "0.29.2",
    generation: "approve",
    keepsRoutes: false,
    ownerOfTagged: "nobody",
    key: /^hskey-auth-[\w-]{12}-[\w-]{64}$/,
    refusal: /: 401 Unauthorized;/,
  },
  {
    release: "0.26.1",
    generation: "approve",
    keepsRoutes: true,
    ownerOfTagged: "alice",
    key: /^[0-9a-f]{48}$/,
    refusal: /: 500 Internal Server Error: Unauthorized;/,
  },
  {
    release: "0.25.1",
    generation: "routes",
    keepsRoutes: true,
    ownerOfTagged: "alice",
    key: /^[0-9a-f]{48}$/,
    refusal: /: 500 Internal Server Error: Unauthorized;/,
  },
];

const CIDR = "10.244.1.0/24";
const LAN = "192.168.7.0/24";
const prefixes = (...texts: readonly string[]) => texts.map(parsePrefix);

/** A server with two users, and later two nodes that want one name, and our client of it. */
class Stage implements AsyncDisposable {
  readonly row: Row;
  readonly server: HeadscaleServer;
  readonly client: HeadscaleClient;
  apiKey = "";
  nodes: readonly DebugNode[] = [];

  private constructor(row: Row, server: HeadscaleServer) {
    this.row = row;
    this.server = server;
    this.client = this.open({ apiKey: () => this.apiKey });
  }

  static async start(row: Row): Promise<Stage> {
    const stage = new Stage(row, await startOnLoopback(row.release, ["bob", "alice"]));
    stage.apiKey = await stage.server.makeApiKey();
    return stage;
  }

  open(access: { apiKey?: () => string; caPem?: string | undefined; retries?: number }) {
    return new HeadscaleClient({
      url: this.server.url,
      apiKey: () => this.apiKey,
      caPem: this.server.caPem,
      timeoutMs: 20_000,
      retries: 0,
      ...access,
    });
  }

  /** What the server itself shows of the routes that a node may serve. */
  async approved({ id }: DebugNode): Promise<string[]> {
    const { server, apiKey } = this;
    if (this.row.generation === "approve") {
      return Object(await askApi(server, apiKey, "GET", `node/${id}`)).node.approvedRoutes.sort();
    }
    const { routes } = Object(await askApi(server, apiKey, "GET", `node/${id}/routes`));
    return routes.filter(({ enabled }: { enabled: boolean }) => enabled)
      .map(({ prefix }: { prefix: string }) => prefix).sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client[Symbol.dispose]();
    await this.server[Symbol.asyncDispose]();
  }
}

const STEPS: readonly [name: string, step: (stage: Stage) => Promise<void>][] = [
  ["a wrong key is told, and is not shown", tellsWrongKey],
  ["a certificate of a CA that is not known is told, and is not asked again", tellsWrongCa],
  ["users are listed", async ({ client }) => {
    assertEquals(await client.listUsers(), [{ id: "1", name: "bob" }, { id: "2", name: "alice" }]);
  }],
  ["keys of a user, and with tags, are as they were asked for", makesKeys],
  ["nodes are found by their keys, with their routes", findsNodes],
  ["routes are approved and withdrawn for one node alone", approvesRoutes],
  ["a node expires, and is deleted once", endsNodes],
];

for (const row of ROWS) {
  const missing = missingRoot() || findHeadscale(row.release).missing;
  testUnless(missing, `Headscale ${row.release}: our client of its REST API`, async (t) => {
    await using stage = await Stage.start(row);
    for (const [name, step] of STEPS) assert(await t.step(name, () => step(stage)), name);
  });
}

const missing = missingRoot() || ROWS.map(({ release }) => findHeadscale(release).missing).join("");
testUnless(
  missing,
  "Headscale 0.25.1: an upgrade to 0.26.1 is noticed under way",
  async () => {
    const [, , row] = ROWS;
    assert(row);
    await using stage = await Stage.start(row);
    const { client, server, apiKey } = stage;
    const routes = [CIDR, LAN];
    const node = await addNode(server, apiKey, { user: "alice", name: "edge", routes });
    assertEquals(await client.approveRoutes(node, prefixes(CIDR)), prefixes(CIDR));
    assertEquals(client.generation, "routes");
    await server.stop();
    await server.resume("0.26.1");
    const all = await client.approveRoutes(node, prefixes(CIDR, LAN));
    assertEquals(all.map(formatPrefix).sort(), [CIDR, LAN]);
    assertEquals(client.generation, "approve");
  },
);

async function tellsWrongKey(stage: Stage): Promise<void> {
  // One that was never made, one with a wrong secret, and one of another form.
  const altered = `${stage.apiKey.slice(0, -4)}WXYZ`;
  for (const key of ["hskey-api-0123456789ab-nonsense", altered, "nonsense"]) {
    using client = stage.open({ apiKey: () => key, retries: 3 });
    const error = await assertRejects(() => client.listNodes(), HeadscaleError);
    assertEquals([error.status, error.mayPass], [401, false]);
    assertMatch(error.message, stage.row.refusal);
    assertMatch(error.message, /; the API key is wrong or has expired; make one by "headscale /);
    assert(!Deno.inspect(error).includes(key));
  }
}

async function tellsWrongCa(stage: Stage): Promise<void> {
  await using other = await startOnLoopback(stage.row.release, []);
  for (
    const [caPem, text] of [
      [
        undefined,
        /its certificate is of no CA that is known here; set headscale.caFile to that CA$/,
      ],
      [
        other.caPem,
        /its certificate is not of the CA in headscale.caFile; put the right one there$/,
      ],
    ] satisfies [string | undefined, RegExp][]
  ) {
    let asked = 0;
    const apiKey = () => `key-${++asked}`;
    using client = stage.open({ apiKey, caPem, retries: 3 });
    const error = await assertRejects(() => client.listNodes(), HeadscaleError, "peer certificate");
    assertMatch(error.message, text);
    assertEquals([error.status, asked], [0, 1]);
  }
}

async function makesKeys(stage: Stage): Promise<void> {
  const { client, row } = stage;
  const base = { user: "alice", isReusable: true, isEphemeral: false, lifetimeMs: 3_600_000 };
  const plain = await client.createPreAuthKey({ ...base, tags: [] });
  const tagged = await client.createPreAuthKey({ ...base, tags: ["tag:k8s"], isReusable: false });
  for (const { key } of [plain, tagged]) assertMatch(key, row.key);
  const expiresInMs = Date.parse(plain.expiration ?? "") - Date.now();
  assert(expiresInMs > 3_500_000 && expiresInMs <= base.lifetimeMs, plain.expiration);
  const shown = await shownKeys(stage);
  assertEquals(plain.id && shown.get(plain.id), "alice reusable");
  assertEquals(tagged.id && shown.get(tagged.id), `${row.ownerOfTagged} once tag:k8s`);
  const nobodys = () => client.createPreAuthKey({ ...base, user: undefined, tags: ["tag:k8s"] });
  if (row.ownerOfTagged === "nobody") await nobodys();
  else await assertRejects(nobodys, HeadscaleError, "set tailscale.user");
  const carols = () => client.createPreAuthKey({ ...base, user: "carol", tags: [] });
  await assertRejects(carols, HeadscaleError, '"headscale users create" makes one');
  assertEquals((await client.listUsers()).length, 2);
}

/** The pre-auth keys of alice and of nobody as the server shows them, by their ids. */
async function shownKeys({ server, apiKey, row }: Stage): Promise<Map<string, string>> {
  const user = row.generation === "routes" ? "alice" : "2";
  const path = row.ownerOfTagged === "nobody" ? "preauthkey" : `preauthkey?user=${user}`;
  const { preAuthKeys } = Object(await askApi(server, apiKey, "GET", path));
  return new Map(preAuthKeys.map((
    { id, user, reusable, aclTags }: {
      id: string;
      user: string | { name: string } | null;
      reusable: boolean;
      aclTags: string[];
    },
  ) => {
    const owner = typeof user === "string" ? user : user?.name ?? "nobody";
    return [id, [owner, reusable ? "reusable" : "once", ...aclTags].join(" ")];
  }));
}

async function findsNodes(stage: Stage): Promise<void> {
  const { client, server, apiKey, row } = stage;
  const add = (user: string, ...routes: readonly string[]) =>
    addNode(server, apiKey, { user, name: "edge", routes });
  stage.nodes = [await add("alice", CIDR, LAN), await add("bob", CIDR, "0.0.0.0/0")];
  for (const { id, nodeKey } of stage.nodes) {
    assertEquals((await client.findNode({ nodeKey }))?.id, id);
  }
  assertEquals(await client.findNode({ nodeKey: `nodekey:${"0".repeat(64)}` }), undefined);
  assertEquals(client.generation, row.generation);
  const listed = await client.listNodes();
  const [edge, other] = stage.nodes.map(({ id }) => listed.find((node) => node.id === id));
  assert(edge && other);
  assertEquals(edge.addresses.map(formatAddress), ["100.64.0.1", "fd7a:115c:a1e0::1"]);
  const available = edge.availableRoutes.map(formatPrefix).toSorted(); // 0.25 has no order of them
  assertEquals(available, row.keepsRoutes ? [CIDR, LAN].toSorted() : []);
  const { name, user, isOnline, expiry, tags, approvedRoutes, subnetRoutes } = edge;
  assertEquals(
    { name, user, isOnline, expiry, tags, approvedRoutes, subnetRoutes },
    {
      name: "edge",
      user: "alice",
      isOnline: false,
      expiry: undefined,
      tags: [],
      approvedRoutes: [],
      subnetRoutes: [],
    },
  );
  assertEquals(other.user, "bob");
  assert(other.name !== "edge", "names differ, although both asked for one");
}

async function approvesRoutes(stage: Stage): Promise<void> {
  const [edge, other] = stage.nodes;
  assert(edge && other);
  const approve = async (node: DebugNode, ...routes: readonly string[]) =>
    (await stage.client.approveRoutes(node, prefixes(...routes))).map(formatPrefix).sort();
  assertEquals(await approve(other, CIDR), [CIDR]);
  for (const routes of [[LAN], [CIDR, LAN], [CIDR, LAN], [CIDR], []]) {
    assertEquals(await approve(edge, ...routes), routes);
    assertEquals(await stage.approved(edge), routes);
    assertEquals(await stage.approved(other), [CIDR]);
  }
  // What is not advertised can be approved ahead only where it is no row of its own.
  const ahead = stage.row.generation === "approve" ? ["10.9.0.0/16"] : [];
  assertEquals(await approve(edge, "10.9.0.0/16"), ahead);
  await approve(edge, CIDR);
  const { approvedRoutes } = await stage.client.findNode(edge) ?? {};
  assertEquals(approvedRoutes, prefixes(CIDR));
  const gone = () => stage.client.approveRoutes({ id: "99" }, prefixes(CIDR));
  assertEquals((await assertRejects(gone, HeadscaleError)).status, 404);
}

async function endsNodes({ server, apiKey, client, nodes, row }: Stage): Promise<void> {
  const [edge, other] = nodes;
  assert(edge && other);
  const before = Date.now();
  await askApi(server, apiKey, "POST", `node/${edge.id}/expire`);
  const expiryMs = Date.parse((await client.findNode(edge))?.expiry ?? "");
  assert(expiryMs >= before - 1_000 && expiryMs <= Date.now());
  assertEquals((await client.findNode(other))?.expiry, undefined);
  if (row.release === "0.29.2") {
    await client.disableExpiry(edge.id);
    assertEquals((await client.findNode(edge))?.expiry, undefined);
  } else {
    const disabled = () => client.disableExpiry(edge.id);
    await assertRejects(disabled, HeadscaleError, "only release 0.29 and later can");
  }
  await client.deleteNode(edge.id);
  assertEquals((await client.listNodes()).map(({ id }) => id), [other.id]);
  const again = await assertRejects(() => client.deleteNode(edge.id), HeadscaleError);
  assertEquals(again.status, 404);
}
