import { assertEquals } from "@std/assert";
import { headscaleNode, selfNode, tailnetStatus } from "../../tests/fakes/tailnet.ts";
import { adviseLogin, loginErrors } from "./login_advice.ts";
import type { MeshFacts } from "./mesh_facts.ts";
import type { TailnetStatus } from "./tailnet.ts";

const SAID = "You are logged out. The last login error was: ";
const GIVE_KEY = "give a pre-auth key (tailscale.authKey) or an API key (headscale.authKey)";
const LIFT = "; Headscale 0.29 takes a node with tags back by no pre-auth key: " +
  "headscale nodes expire --disable -i <id of this node> on the server";

function advise(
  change: Partial<TailnetStatus>,
  facts: Pick<MeshFacts, "socket" | "headscale" | "hasKey"> = {},
): string {
  return adviseLogin(tailnetStatus({ self: undefined, ...change }), facts);
}

Deno.test("loginErrors: of all that tailscaled complains of", () => {
  const error = `${SAID}authkey already used`;
  assertEquals(loginErrors({ health: ["Tailscale is stopped.", error] }), [error]);
  assertEquals(loginErrors({ health: ["You are logged out."] }), []);
});

Deno.test("adviseLogin: a key, or a person", () => {
  assertEquals(advise({ health: [`${SAID}authkey already used`] }), GIVE_KEY);
  const authUrl = "https://hs.mesh.test/register/x";
  assertEquals(advise({ authUrl }), `${GIVE_KEY}, or log the node in at ${authUrl}`);
});

Deno.test("adviseLogin: a key that is there is used first, and another wanted where that failed", () => {
  const hasKey = true;
  assertEquals(advise({}, { hasKey }), "the daemon is about to, by the key that it has");
  assertEquals(advise({ health: [`${SAID}authkey already used`] }, { hasKey }), GIVE_KEY);
});

Deno.test("adviseLogin: tags that Headscale refused are taken back", () => {
  const health = [`${SAID}creating new node: requested tags [tag:a] are invalid or not permitted`];
  assertEquals(
    advise({ health }, { socket: "/run/ts.sock" }),
    "tags come with the key, so take back those that tailscaled asks for: " +
      "tailscale --socket=/run/ts.sock up --advertise-tags=, with the other flags that it then names",
  );
});

Deno.test("adviseLogin: a node with tags that has expired is one for the server", () => {
  const rows: readonly (readonly [Partial<TailnetStatus>, boolean])[] = [
    [{ self: selfNode() }, true],
    [{ health: [`${SAID}weird: regen=true but server says NodeKeyExpired: nodekey:0`] }, true],
    [{ self: selfNode({ tags: [] }) }, false],
  ];
  for (const [status, isOne] of rows) {
    assertEquals(advise(status), GIVE_KEY + (isOne ? LIFT : ""));
    // With an API key the daemon sees to it.
    assertEquals(advise(status, { headscale: { node: headscaleNode() } }), GIVE_KEY);
  }
});
