import { assertEquals, assertRejects } from "@std/assert";
import { peerNode } from "../../../tests/fakes/tailnet.ts";
import { type Address, formatAddress } from "../../net/address.ts";
import { TailscaleError } from "../../tailscale/tailscale_error.ts";
import { pingPeers } from "./ping_peers.ts";

Deno.test("pingPeers: each that is online once, and a few at a time", async () => {
  const peers = Array.from({ length: 50 }, (_, index) => peerNode(index + 2, ""));
  const [underWay, asked]: [Set<string>, string[]] = [new Set(), []];
  let most = 0;
  const ping = async (address: Address, type: string) => {
    const text = formatAddress(address);
    asked.push(`${type} ${text}`);
    underWay.add(text);
    most = Math.max(most, underWay.size);
    await Promise.resolve();
    underWay.delete(text);
    return text === "100.64.0.3"
      ? { error: "no answer" }
      : { latencyMs: 2, endpoint: "", relay: "a" };
  };
  const offline = peerNode(60, "", { isOnline: false });
  const nameless = peerNode(61, "", { addresses: [] });
  const outcomes = await pingPeers({ ping }, [...peers, offline, nameless]);
  assertEquals(asked.toSorted(), peers.map((_, index) => `disco 100.64.0.${index + 2}`).toSorted());
  assertEquals([outcomes.size, most], [50, 16]);
  assertEquals(outcomes.get("nodekey:03"), { error: "no answer" });
});

Deno.test("pingPeers: a tailscaled that is gone is told", async () => {
  const ping = () => Promise.reject(new TailscaleError("no-socket", "Cannot ping: nobody listens"));
  await assertRejects(() => pingPeers({ ping }, [peerNode(2, "")]), TailscaleError, "nobody");
});
