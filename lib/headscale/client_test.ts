import { assertEquals, assertRejects } from "@std/assert";
import {
  FakeHeadscale,
  type FakeHeadscaleNode,
  type HeadscaleRelease,
} from "../../tests/fakes/headscale_server.ts";
import { formatAddress } from "../net/address.ts";
import { formatPrefix, parsePrefix } from "../net/prefix.ts";
import { HeadscaleClient, type PreAuthKeyRequest } from "./client.ts";
import { HeadscaleError } from "./headscale_error.ts";

const RELEASES: readonly HeadscaleRelease[] = ["0.25", "0.27", "0.29", "0.30"];

/** A test for the REST API of each release. */
function testEach(
  name: string,
  test: (server: FakeHeadscale, client: HeadscaleClient) => Promise<void>,
): void {
  for (const release of RELEASES) {
    Deno.test(`HeadscaleClient: ${release}: ${name}`, async () => {
      await using server = new FakeHeadscale(release);
      using client = open(server);
      await test(server, client);
    });
  }
}

function open(server: FakeHeadscale, retries = 0): HeadscaleClient {
  const apiKey = () => server.apiKey;
  return new HeadscaleClient({ url: `${server.url}/`, apiKey, timeoutMs: 20_000, retries });
}

const CIDR = "10.244.1.0/24";
const LAN = "192.168.7.0/24";
const prefixes = (...texts: readonly string[]) => texts.map(parsePrefix);
const generationOf = (release: HeadscaleRelease) => release === "0.25" ? "routes" : "approve";

testEach("nodes come with their routes, tags and times", async (server, client) => {
  const node = server.addNode("edge", CIDR, LAN);
  node.approved = [CIDR];
  node.tags = ["tag:k8s"];
  server.addNode("other", "10.244.2.0/24");
  const [edge, other] = await client.listNodes();
  assertEquals({
    ...edge,
    addresses: edge?.addresses.map(formatAddress),
    availableRoutes: edge?.availableRoutes.map(formatPrefix),
    approvedRoutes: edge?.approvedRoutes.map(formatPrefix),
    subnetRoutes: edge?.subnetRoutes.map(formatPrefix),
    rows: edge?.rows?.map(({ id }) => id),
  }, {
    id: "1",
    nodeKey: node.nodeKey,
    name: "edge",
    user: ["0.29", "0.30"].includes(server.release) ? "tagged-devices" : "alice",
    addresses: ["100.64.0.1", "fd7a:115c:a1e0::1"],
    isOnline: true,
    expiry: undefined,
    tags: ["tag:k8s"],
    availableRoutes: [CIDR, LAN],
    approvedRoutes: [CIDR],
    subnetRoutes: [CIDR],
    rows: server.release === "0.25" ? ["100", "101"] : undefined,
  });
  assertEquals(other?.availableRoutes.map(formatPrefix), ["10.244.2.0/24"]);
  assertEquals(other?.approvedRoutes, []);
  assertEquals(client.generation, generationOf(server.release));
});

testEach("a node is found by its key, whatever it is called", async (server, client) => {
  server.addNode("edge");
  const node = server.addNode("edge");
  assertEquals((await client.findNode({ nodeKey: node.nodeKey }))?.id, "2");
  assertEquals(await client.findNode({ nodeKey: "edge" }), undefined);
  assertEquals(await client.findNode({ nodeKey: "" }), undefined);
});

testEach("the approved list is replaced, for that node alone", async (server, client) => {
  const node = server.addNode("edge", CIDR, LAN, "10.9.0.0/16");
  const other = server.addNode("other", CIDR, LAN);
  node.approved = [LAN];
  other.approved = [LAN];
  const approve = async (...routes: readonly string[]) =>
    (await client.approveRoutes(node, prefixes(...routes))).map(formatPrefix).sort();
  assertEquals(await approve(LAN, CIDR), [CIDR, LAN]);
  assertEquals(node.approved.toSorted(), [CIDR, LAN]);
  assertEquals(await approve(CIDR), [CIDR]);
  assertEquals(await approve(), []);
  assertEquals([node.approved, other.approved], [[], [LAN]]);
});

testEach("no more is asked than must be, once the generation is known", async (server, client) => {
  const node = server.addNode("edge", CIDR, LAN);
  node.approved = [LAN];
  await client.listNodes();
  server.takeSeen();
  await client.approveRoutes(node, prefixes(CIDR));
  assertEquals(
    server.takeSeen(),
    server.release === "0.25"
      ? [
        "GET /api/v1/node/1/routes",
        "POST /api/v1/routes/100/enable",
        "POST /api/v1/routes/101/disable",
        "GET /api/v1/node/1/routes",
      ]
      : ["POST /api/v1/node/1/approve_routes"],
  );
});

testEach("a release that was changed under way is noticed", async (server, client) => {
  const node = server.addNode("edge", CIDR);
  await client.listNodes();
  server.release = server.release === "0.25" ? "0.29" : "0.25";
  assertEquals(await client.approveRoutes(node, prefixes(CIDR)), prefixes(CIDR));
  assertEquals(client.generation, generationOf(server.release));
  await client.listNodes();
});

testEach("routes of a node that is gone are not approved: status 404", async (server, client) => {
  server.addNode("edge", CIDR);
  const approve = () => client.approveRoutes({ id: "9" }, prefixes(CIDR));
  assertEquals((await assertRejects(approve, HeadscaleError, "record not found")).status, 404);
});

const REQUEST: PreAuthKeyRequest = {
  user: "alice",
  tags: [],
  isReusable: false,
  isEphemeral: true,
  lifetimeMs: 3_600_000,
};

/** Bodies of the requests for keys. */
function keyBodies(server: FakeHeadscale): unknown[] {
  return server.seen.filter(({ what }) => what === "POST /api/v1/preauthkey")
    .map(({ body }) => Object.fromEntries(Object.entries(Object(body)).filter(isStable)));
}

function isStable([name]: readonly [string, unknown]): boolean {
  return name !== "expiration";
}

testEach("a key of a user is made, by its name or its id", async (server, client) => {
  const before = Date.now();
  const { key, id, expiration } = await client.createPreAuthKey(REQUEST);
  assertEquals([key, id], ["hskey-auth-abc-secret", "5"]);
  const expiresMs = Date.parse(expiration ?? "");
  assertEquals(expiresMs >= before + REQUEST.lifetimeMs, true);
  const user = server.release === "0.25" ? "alice" : "7";
  assertEquals(keyBodies(server), [{ user, aclTags: [], reusable: false, ephemeral: true }]);
});

testEach("a key with tags is nobody's where the release can", async (server, client) => {
  await client.createPreAuthKey({ ...REQUEST, tags: ["tag:k8s"] });
  const body = { aclTags: ["tag:k8s"], reusable: false, ephemeral: true };
  assertEquals(
    keyBodies(server),
    {
      "0.25": [{ user: "alice", ...body }],
      "0.27": [body, { user: "7", ...body }],
      "0.29": [body],
      "0.30": [body],
    }[server.release],
  );
});

testEach("a key of nobody's is refused where the release cannot", async (server, client) => {
  const make = (tags: readonly string[]) =>
    client.createPreAuthKey({ ...REQUEST, user: undefined, tags });
  await assertRejects(() => make([]), HeadscaleError, "set tailscale.user or tailscale.tags");
  if (["0.29", "0.30"].includes(server.release)) await make(["tag:k8s"]);
  else await assertRejects(() => make(["tag:k8s"]), HeadscaleError, "set tailscale.user");
});

testEach("a user who is not there, or twice, gets no key", async (server, client) => {
  const make = (user: string) => client.createPreAuthKey({ ...REQUEST, user });
  await assertRejects(() => make("bob"), HeadscaleError, '"headscale users create" makes one');
  server.users.push({ id: "8", name: "alice" });
  await assertRejects(() => make("alice"), HeadscaleError, "two users have that name");
  assertEquals(keyBodies(server), []);
});

testEach("a node is deleted once", async (server, client) => {
  const { id } = server.addNode("edge");
  await client.deleteNode(id);
  assertEquals(server.nodes, []);
  const again = await assertRejects(() => client.deleteNode(id), HeadscaleError, "not found");
  assertEquals(again.status, 404);
});

testEach("a key is made good for ever where the release can", async (server, client) => {
  const node: FakeHeadscaleNode = server.addNode("edge");
  node.expiry = "2026-01-02T03:04:05.678Z";
  const { id, nodeKey } = node;
  assertEquals((await client.findNode({ nodeKey }))?.expiry, node.expiry);
  const disable = () => client.disableExpiry(id);
  if (["0.29", "0.30"].includes(server.release)) await disable();
  else await assertRejects(disable, HeadscaleError, "only release 0.29 and later can");
  const expiry = (await client.findNode({ nodeKey }))?.expiry;
  assertEquals(expiry === undefined, ["0.29", "0.30"].includes(server.release));
});

testEach("users are listed", async (_, client) => {
  assertEquals(await client.listUsers(), [{ id: "7", name: "alice" }]);
});

testEach("a wrong key is told as one, with what to do", async (server, client) => {
  using other = new HeadscaleClient({
    url: server.url,
    apiKey: () => "wrong-key",
    timeoutMs: 20_000,
    retries: 5,
  });
  const error = await assertRejects(
    () => other.listNodes(),
    HeadscaleError,
    'the API key is wrong or has expired; make one by "headscale apikeys create"',
  );
  assertEquals(error.status, 401);
  assertEquals(server.takeSeen().length, 1);
  server.apiKey = "another-key";
  await client.listNodes(); // the key is revealed anew for each request
});

Deno.test("HeadscaleClient: a key is asked for once, whatever comes of it", async () => {
  await using server = new FakeHeadscale("0.29");
  using client = open(server, 5);
  await client.listNodes();
  const busy = () => new Response("busy", { status: 503 });
  server.next.push(undefined, undefined, undefined, busy); // nodes, routes, users
  await assertRejects(() => client.createPreAuthKey(REQUEST), HeadscaleError, "503");
  assertEquals(keyBodies(server).length, 1);
});
