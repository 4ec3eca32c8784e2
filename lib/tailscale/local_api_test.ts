import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { FakeLocalApi, RawListener } from "../../tests/fakes/local_api.ts";
import { parseAddress } from "../net/address.ts";
import { parsePrefix } from "../net/prefix.ts";
import { LocalApi } from "./local_api.ts";
import { logIn } from "./log_in.ts";
import { TailscaleError, type TailscaleFault } from "./tailscale_error.ts";

/** Deadlines of what must not answer in time. */
const SHORT = { ms: 300, remoteMs: 300 };

const PREFS = { WantRunning: false, ControlURL: "https://a.test", Unknown: { kept: [1] } };

const KEY = "hskey-auth-abcdef-0123456789";

async function faultOf(doing: () => Promise<unknown>): Promise<TailscaleError> {
  const error = await assertRejects(doing);
  if (error instanceof TailscaleError) return error;
  throw new Error("it is no TailscaleError", { cause: error });
}

Deno.test("LocalApi: asks by the name that tailscaled wants, without an origin", async () => {
  await using fake = await FakeLocalApi.start(() => Response.json({ BackendState: "Running" }));
  using api = new LocalApi(fake.socket);
  await api.status();
  await api.status({ peers: false });
  assertEquals(fake.asked.map(({ method, path, host }) => `${method} ${path} ${host}`), [
    "GET status?peers=true local-tailscaled.sock",
    "GET status?peers=false local-tailscaled.sock",
  ]);
  assertEquals(fake.asked.map(({ origin }) => origin), [undefined, undefined]);
});

Deno.test("LocalApi: edits by fields that say that they are set, a list as a whole", async () => {
  await using fake = await FakeLocalApi.start(() => Response.json(PREFS));
  using api = new LocalApi(fake.socket);
  const prefs = await api.editPrefs({
    routeAll: true,
    advertiseRoutes: [parsePrefix("10.244.0.0/24"), parsePrefix("fd00::/64")],
    hostname: "",
  });
  assertEquals(prefs.controlUrl, "https://a.test");
  assertEquals(fake.asked.map(({ method, path }) => [method, path]), [["PATCH", "prefs"]]);
  assertEquals(JSON.parse(fake.asked[0]?.body ?? ""), {
    RouteAll: true,
    RouteAllSet: true,
    AdvertiseRoutes: ["10.244.0.0/24", "fd00::/64"],
    AdvertiseRoutesSet: true,
    Hostname: "",
    HostnameSet: true,
  });
});

Deno.test("LocalApi: starts with all preferences, those that it does not know too", async () => {
  await using fake = await FakeLocalApi.start(({ method }) =>
    method === "GET" ? Response.json(PREFS) : new Response(null, { status: 204 })
  );
  using api = new LocalApi(fake.socket);
  await api.start({ authKey: KEY, change: { controlUrl: "https://b.test", wantRunning: true } });
  await api.start();
  assertEquals(fake.asked.map(({ method, path, body }) => [method, path, body]), [
    ["GET", "prefs", ""],
    [
      "POST",
      "start",
      JSON.stringify({
        AuthKey: KEY,
        UpdatePrefs: { ...PREFS, WantRunning: true, ControlURL: "https://b.test" },
      }),
    ],
    ["POST", "start", "{}"],
  ]);
});

Deno.test("logIn: asks for a new node key only where none is there, or when forced", async () => {
  const cases = [
    [false, false, false, "start login-interactive"],
    [true, false, false, "start"],
    [true, true, true, "start login-interactive"],
  ] as const;
  for (const [hasNodeKey, isForced, loggedOut, wanted] of cases) {
    await using fake = await FakeLocalApi.start(({ path }) => {
      if (path === "prefs") return Response.json(PREFS);
      return path.startsWith("status")
        ? Response.json({ BackendState: "NeedsLogin", HaveNodeKey: hasNodeKey })
        : new Response(null, { status: 204 });
    });
    using api = new LocalApi(fake.socket);
    await logIn(api, { authKey: KEY, isForced });
    const posted = fake.asked.filter(({ method }) => method === "POST");
    assertEquals(posted.map(({ path }) => path).join(" "), wanted);
    const { UpdatePrefs } = JSON.parse(posted[0]?.body ?? "");
    assertEquals([UpdatePrefs.WantRunning, UpdatePrefs.LoggedOut], [true, loggedOut]);
  }
});

Deno.test("LocalApi: what tailscaled refuses tells what to do", async () => {
  const locked = "can't reconfigure tailscaled when using a config file; config file is locked";
  const cases: [Response, TailscaleFault, string][] = [
    [new Response("prefs write access denied\n", { status: 403 }), "permission", "run as root"],
    [Response.json({ Error: locked }, { status: 400 }), "config-file", "configuration file"],
    [new Response(locked, { status: 500 }), "config-file", "configuration file"],
    [Response.json({ error: "no\nway" }, { status: 500 }), "refused", "it refuses: no; way"],
    [new Response("", { status: 502 }), "refused", "status 502"],
    [new Response("{}"), "nonsense", "WantRunning"],
    [new Response("<html>"), "nonsense", "is that a tailscaled?"],
    [new Response(), "nonsense", "is that a tailscaled?"],
  ];
  for (const [answer, kind, text] of cases) {
    await using fake = await FakeLocalApi.start(() => answer);
    using api = new LocalApi(fake.socket);
    const error = await faultOf(() => api.editPrefs({ routeAll: true }));
    assertEquals(error.kind, kind, error.message);
    assertStringIncludes(error.message, text);
    assertStringIncludes(error.message, fake.socket);
  }
});

Deno.test("LocalApi: nobody who listens, or who answers half, is told apart", async () => {
  const head = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n";
  const cases: [answer: string, isKept: boolean, kind: TailscaleFault, text: string][] = [
    ["", true, "no-answer", "no answer in 300 ms"],
    [`${head}{"Backend`, true, "no-answer", "no answer in 300 ms"],
    [`${head}{"Backend`, false, "no-answer", "it broke off"],
    ["", false, "no-answer", "it broke off"],
    ["220 mail ready\r\n\r\n", false, "nonsense", "it speaks no HTTP"],
  ];
  for (const [answer, isKept, kind, text] of cases) {
    await using raw = new RawListener(answer, isKept);
    using api = new LocalApi(raw.socket, SHORT);
    const error = await faultOf(() => api.status());
    assertEquals(error.kind, kind, error.message);
    assertStringIncludes(error.message, text);
  }
});

Deno.test("LocalApi: a socket that is missing, or left over, says to start tailscaled", async () => {
  const directory = await Deno.makeTempDir({ prefix: "hct" });
  try {
    // A path that is no socket refuses as one does whose owner was killed.
    for (const [path, text] of [[`${directory}/x`, "no such socket"], [directory, "nobody"]]) {
      using api = new LocalApi(path ?? "");
      const error = await faultOf(() => api.prefs());
      assertEquals(error.kind, "no-socket");
      assertStringIncludes(error.message, text ?? "");
      assertStringIncludes(error.message, "start tailscaled");
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("LocalApi: goes on with a tailscaled that was restarted", async () => {
  const answer = () => Response.json(PREFS);
  await using fake = await FakeLocalApi.start(answer);
  using api = new LocalApi(fake.socket);
  await api.prefs();
  await fake.stop();
  assertEquals((await faultOf(() => api.prefs())).kind, "no-socket");
  fake.serve(answer);
  assertEquals((await api.prefs()).wantRunning, false);
});

Deno.test("LocalApi: a key is in no error, though tailscaled says it back", async () => {
  await using fake = await FakeLocalApi.start(({ body }) => new Response(body, { status: 500 }));
  using api = new LocalApi(fake.socket);
  for (const authKey of [KEY, "0123abcd0123abcd0123abcd"]) {
    const error = await faultOf(() => api.start({ authKey }));
    assert(!Deno.inspect(error).includes(authKey), Deno.inspect(error));
    assertStringIncludes(error.message, "[redacted]");
  }
});

Deno.test("LocalApi: forwarding, whois and ping", async () => {
  await using fake = await FakeLocalApi.start(({ path }) => {
    if (path === "check-ip-forwarding") return Response.json({ Warning: "is off" });
    if (path === "whois?addr=fd00%3A%3A1") return new Response("no match", { status: 404 });
    if (path.startsWith("whois")) {
      return Response.json({
        Node: { Key: "nodekey:1", Name: "a.b.", Addresses: ["100.64.0.1/32"], Tags: null },
        UserProfile: null,
      });
    }
    if (path === "ping?ip=100.64.0.2&type=TSMP") return Response.json({ Err: "no matching peer" });
    if (path === "ping?ip=100.64.0.3&type=ICMP") {
      return Response.json({ error: "no netmap" }, { status: 500 });
    }
    return Response.json({ LatencySeconds: 0.0125, Endpoint: "192.0.2.1:41641", DERPRegionID: 0 });
  });
  using api = new LocalApi(fake.socket);
  assertEquals(await api.checkIpForwarding(), "is off");
  assertEquals(await api.whois(parseAddress("fd00::1")), undefined);
  assertEquals(await api.whois(parseAddress("100.64.0.1")), {
    nodeKey: "nodekey:1",
    dnsName: "a.b",
    addresses: [parseAddress("100.64.0.1")],
    tags: [],
    user: "",
  });
  const ping = (address: string, type: "disco" | "TSMP" | "ICMP") =>
    api.ping(parseAddress(address), type);
  assertEquals(await ping("100.64.0.1", "disco"), {
    latencyMs: 12.5,
    endpoint: "192.0.2.1:41641",
    relay: "",
  });
  assertEquals(await ping("100.64.0.2", "TSMP"), { error: "no matching peer" });
  const refused = await ping("100.64.0.3", "ICMP");
  assertStringIncludes("error" in refused ? refused.error : "", "no netmap");
});

Deno.test("LocalApi: a ping that nobody answers is an outcome, a missing tailscaled none", async () => {
  await using raw = new RawListener("", true);
  using api = new LocalApi(raw.socket, SHORT);
  const outcome = await api.ping(parseAddress("100.64.0.1"), "disco");
  assertStringIncludes("error" in outcome ? outcome.error : "", "no answer");
  using none = new LocalApi(`${raw.socket}x`);
  assertEquals(
    (await faultOf(() => none.ping(parseAddress("100.64.0.1"), "disco"))).kind,
    "no-socket",
  );
});
