import { assertEquals } from "@std/assert";
import { peerNode, prefixes, selfNode } from "../../tests/fakes/tailnet.ts";
import { parseAddress } from "../net/address.ts";
import { parsePrefix } from "../net/prefix.ts";
import { allRoutes, findServing, podRoutes, servedRoutes, showNode } from "./peer_routes.ts";

const PEER = peerNode(2, "10.244.2.0/24 192.168.7.0/24 10.0.0.0/8", {
  primaryRoutes: prefixes("10.244.2.0/24 10.244.3.0/24 0.0.0.0/0"),
});

Deno.test("servedRoutes: each once, without its own addresses and those of an exit node", () => {
  assertEquals(
    servedRoutes(PEER),
    prefixes("10.244.2.0/24 192.168.7.0/24 10.0.0.0/8 10.244.3.0/24"),
  );
  assertEquals(servedRoutes(peerNode(2, "")), []);
  // A network of one address is one.
  assertEquals(servedRoutes(peerNode(2, "10.9.9.9/32")), prefixes("10.9.9.9/32"));
});

Deno.test("allRoutes: those of an exit node too, and a network around its own address", () => {
  assertEquals(allRoutes(PEER).at(-1), prefixes("0.0.0.0/0")[0]);
  assertEquals(allRoutes(peerNode(2, "100.64.0.0/24")), prefixes("100.64.0.0/24"));
});

Deno.test("podRoutes: those inside of the cluster", () => {
  assertEquals(
    podRoutes(PEER, prefixes("10.244.0.0/16 fd00::/48")),
    prefixes("10.244.2.0/24 10.244.3.0/24"),
  );
  assertEquals(podRoutes(PEER, []), []);
});

Deno.test("findServing: the narrowest route that leads to it, and no exit node", () => {
  const [wide, narrow] = [peerNode(2, "10.244.0.0/16 0.0.0.0/0"), peerNode(3, "10.244.2.0/24")];
  const find = (address: string) => findServing([wide, narrow], parseAddress(address));
  assertEquals(find("10.244.2.7"), { node: narrow, route: parsePrefix("10.244.2.0/24") });
  assertEquals(find("10.244.3.7")?.node, wide);
  assertEquals(find("192.0.2.1"), undefined);
});

Deno.test("showNode: by its name in the tailnet, else by that of the machine", () => {
  const rows = [
    [{}, '"one.mesh.test" (100.64.0.1)'],
    [{ dnsName: "", isOnline: false }, '"one" (100.64.0.1, offline)'],
    [{ addresses: [] }, '"one.mesh.test" (no address)'],
  ] as const;
  for (const [change, text] of rows) assertEquals(showNode(selfNode(change)), text);
});
