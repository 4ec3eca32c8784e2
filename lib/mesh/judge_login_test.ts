import { assertEquals } from "@std/assert";
import { meshFacts } from "../../tests/fakes/mesh_facts.ts";
import { selfNode, tailnetStatus } from "../../tests/fakes/tailnet.ts";
import { fail, type Finding, pass, unknown } from "./finding.ts";
import { judgeAnswer, judgeKey, judgeState, judgeTun } from "./judge_login.ts";
import type { TailnetStatus } from "./tailnet.ts";

function facts(status: Partial<TailnetStatus>) {
  return meshFacts({ status: tailnetStatus(status) });
}

const SILENT = meshFacts({ status: undefined });
const GIVE_KEY = "give a pre-auth key (tailscale.authKey) or an API key (headscale.authKey)";

Deno.test("judgeAnswer: its version, or why there is none", () => {
  const fix = "see that tailscaled runs, and tailscale.socket.path";
  assertEquals(judgeAnswer(facts({})), pass("version 1.98.10"));
  assertEquals(judgeAnswer(SILENT), fail("it was not asked", fix));
  assertEquals(
    judgeAnswer(meshFacts({ status: undefined, trouble: "no socket" })),
    fail("no socket", fix),
  );
});

Deno.test("judgeTun: userspace networking reaches no pod", () => {
  assertEquals(judgeTun(facts({})), pass("the kernel has it"));
  assertEquals(judgeTun(SILENT), unknown("tailscaled does not answer"));
  assertEquals(
    judgeTun(facts({ hasTun: false })),
    fail(
      "userspace networking: the kernel knows no tailnet",
      "give tailscaled /dev/net/tun, and start it without --tun=userspace-networking",
    ),
  );
});

Deno.test("judgeTun: a kernel that does not answer is no fault of tailscaled's", () => {
  const kernelTrouble = "Cannot open netlink: EPERM";
  assertEquals(
    judgeTun(meshFacts({ kernelTrouble, device: undefined })),
    fail(
      `the kernel cannot be asked for it: ${kernelTrouble}`,
      "see that headcni runs as root, in the network namespace of the node, and may use netlink",
    ),
  );
  assertEquals(judgeAnswer(meshFacts({ kernelTrouble })), pass("version 1.98.10"));
});

Deno.test("judgeKey: how long it is good, or what to do", () => {
  const good = (keyExpiry: string) => judgeKey(facts({ self: selfNode({ keyExpiry }) }));
  const authUrl = "https://hs.mesh.test/register/x";
  const rows: readonly (readonly [Finding, Finding])[] = [
    [judgeKey(SILENT), unknown("tailscaled does not answer")],
    [judgeKey(facts({})), pass("the key of the node does not expire")],
    [good("2026-08-30T00:00:00Z"), pass("the key of the node is good for 90 days")],
    [good("2026-06-03T00:00:00Z"), pass("the key of the node is good for 2 days")],
    [good("2026-06-02T23:00:00Z"), pass("the key of the node is good for 47 hours")],
    [good("2026-06-01T00:00:00Z"), fail("the key of the node has expired", GIVE_KEY)],
    [
      judgeKey(facts({ self: selfNode({ isExpired: true }), authUrl })),
      fail("the key of the node has expired", `${GIVE_KEY}, or log the node in at ${authUrl}`),
    ],
    [
      judgeKey(facts({ backendState: "NeedsLogin", self: undefined })),
      fail("the node is not logged in", GIVE_KEY),
    ],
    [
      judgeKey(facts({ backendState: "NeedsLogin", authUrl })),
      fail("the node is not logged in", `${GIVE_KEY}, or log the node in at ${authUrl}`),
    ],
  ];
  for (const [seen, expected] of rows) assertEquals(seen, expected);
});

Deno.test("judgeKey: why the last login failed, of all that tailscaled complains of", () => {
  const said = "You are logged out. The last login error was: authkey already used";
  const health = ["Tailscale is stopped.", said];
  assertEquals(
    judgeKey(facts({ backendState: "NeedsLogin", health })),
    fail(`the node is not logged in: ${said}`, GIVE_KEY),
  );
  assertEquals(
    judgeKey(facts({ self: selfNode({ isExpired: true }), health })),
    fail(`the key of the node has expired: ${said}`, GIVE_KEY),
  );
});

Deno.test("judgeState: running, with what it complains of, or what to do", () => {
  const rows: readonly (readonly [Partial<TailnetStatus>, Finding])[] = [
    [{}, pass("Running")],
    [{ health: ["no DERP", "old"] }, pass("Running, though: no DERP, old")],
    [
      { backendState: "Stopped" },
      fail('it is in the state "Stopped"', "tailscale up"),
    ],
    [{ backendState: "NeedsLogin" }, fail('it is in the state "NeedsLogin"', "log the node in")],
    [
      { backendState: "NeedsMachineAuth" },
      fail(
        'it is in the state "NeedsMachineAuth"',
        "let an administrator of the tailnet approve the node",
      ),
    ],
    [
      { backendState: "Starting" },
      fail(
        'it is in the state "Starting"',
        "wait; if it stays so, see whether the node reaches its control server",
      ),
    ],
    [
      { backendState: "NoState" },
      fail('it is in the state "NoState"', "wait; if it stays so, see its log"),
    ],
    [{ backendState: "Odd" }, fail('it is in the state "Odd"', "see its log")],
  ];
  for (const [status, expected] of rows) assertEquals(judgeState(facts(status)), expected);
  assertEquals(judgeState(SILENT), unknown("tailscaled does not answer"));
});
