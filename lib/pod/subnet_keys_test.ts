import { assertEquals } from "@std/assert";
import { parseSubnetFile } from "../discovery/subnet_file.ts";
import { defaultRoutesOf, rangesOf, routesOf } from "./subnet_keys.ts";

const FILE = parseSubnetFile({
  path: "/run/x",
  text: "network: 10.244.0.0/16,fd00::/48\nsubnet: 10.244.1.0/24,fd00:0:0:1::/64\n" +
    "routes:\n- dst: 10.96.0.1/12\n- dst: fd96::/108\n",
}, {});
const FOUR = { ...FILE, subnets: FILE.subnets.slice(0, 1) };

Deno.test("rangesOf, defaultRoutesOf: one a family", () => {
  assertEquals(rangesOf(FILE), [[{ subnet: "10.244.1.0/24" }], [{ subnet: "fd00:0:0:1::/64" }]]);
  assertEquals(defaultRoutesOf(FILE), [{ dst: "0.0.0.0/0" }, { dst: "::/0" }]);
  assertEquals(defaultRoutesOf(FOUR), [{ dst: "0.0.0.0/0" }]);
});

Deno.test("routesOf: the file's and the networks', each once", () => {
  const all = ["10.96.0.0/12", "fd96::/108", "10.244.0.0/16", "fd00::/48"].map((dst) => ({ dst }));
  assertEquals(routesOf(undefined, FILE), all);
  assertEquals(routesOf(all, FILE), all);
  const empty = [{ dst: "10.96.0.0/12", gw: "" }];
  assertEquals(routesOf(empty, FILE), [...empty, ...all.slice(1)]);
});

Deno.test("routesOf: another gateway is another route, but one to a network is enough", () => {
  const own = [{ dst: "10.96.0.0/12", gw: "10.244.1.9" }, {
    dst: "10.244.0.0/16",
    gw: "10.244.1.9",
  }];
  assertEquals(routesOf(own, FOUR), [...own, { dst: "10.96.0.0/12" }]);
});

Deno.test("routesOf: no route to a network behind a default route, on the link, or of no address", () => {
  assertEquals(routesOf([{ dst: "0.0.0.0/0" }], FOUR), [
    { dst: "0.0.0.0/0" },
    { dst: "10.96.0.0/12" },
  ]);
  assertEquals(routesOf([], { ...FOUR, networks: FOUR.subnets }), [{ dst: "10.96.0.0/12" }]);
});
