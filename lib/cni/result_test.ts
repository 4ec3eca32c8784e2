import { assertEquals } from "@std/assert";
import { parsePrefix } from "../net/prefix.ts";
import { joinResults, type Result } from "./result.ts";

const OWN: Result = {
  interfaces: [{ name: "veth1" }, { name: "net1", sandbox: "/x" }],
  ips: [{ address: parsePrefix("10.2.0.2/24"), interface: 1 }],
  routes: [{ dst: parsePrefix("10.3.0.0/16") }],
  dns: { search: ["own"] },
};

Deno.test("joinResults: without a previous result the own one", () => {
  assertEquals(joinResults(undefined, OWN), OWN);
});

Deno.test("joinResults: previous first, indexes of interfaces shifted", () => {
  const previous: Result = {
    interfaces: [{ name: "eth0", sandbox: "/x" }],
    ips: [{ address: parsePrefix("10.1.0.2/24"), interface: 0 }],
    routes: [{ dst: parsePrefix("0.0.0.0/0") }],
    dns: { nameservers: ["10.1.0.1"], search: ["previous"] },
  };
  const joined = joinResults(previous, OWN);
  assertEquals(joined.interfaces.map(({ name }) => name), ["eth0", "veth1", "net1"]);
  assertEquals(joined.ips.map((ip) => ip.interface), [0, 2]);
  assertEquals(joined.routes, [...previous.routes, ...OWN.routes]);
  assertEquals(joined.dns, { nameservers: ["10.1.0.1"], search: ["own"] });
});
