import { assertEquals, assertMatch, assertNotEquals, assertThrows } from "@std/assert";
import { ConfigError } from "../errors.ts";
import { parseAddress } from "../net/address.ts";
import { HEADCNI_LINK_GROUP } from "../net/link.ts";
import {
  formatAlias,
  formatIfbAlias,
  hostLinkName,
  ifbName,
  isLinkOf,
  listAliases,
  listIfbOwners,
  parseAlias,
} from "./identity.ts";

const KEY = { network: "pods", containerId: "c".repeat(64), ifname: "eth0" };
const ADDRESSES = ["10.244.1.2", "fd00::2"].map(parseAddress);

Deno.test("hostLinkName: 15 bytes, the same for the same attachment only", () => {
  const name = hostLinkName(KEY);
  assertMatch(name, /^veth[0-9a-f]{11}$/);
  // By an independent implementation of FNV-1a: a changed name would orphan the links of live pods.
  assertEquals(hostLinkName({ network: "a", containerId: "b", ifname: "c" }), "vetheccdfd3df77");
  assertEquals(hostLinkName({ ...KEY }), name);
  for (const other of [{ network: "p" }, { containerId: "d" }, { ifname: "eth1" }]) {
    assertNotEquals(hostLinkName({ ...KEY, ...other }), name);
  }
});

Deno.test("ifbName: of the same digits as the host link's", () => {
  assertEquals(ifbName({ network: "a", containerId: "b", ifname: "c" }), "ifbeccdfd3df77");
});

Deno.test("formatIfbAlias: tells the owner, but is no link of a pod", () => {
  const alias = formatIfbAlias(KEY);
  const longest = { ...KEY, network: "n".repeat(161) };
  assertEquals(formatAlias(longest, [], {}).length, 255);
  assertEquals(formatIfbAlias(longest).length, 255);
  assertEquals(parseAlias(alias), undefined);
  assertEquals(listAliases([{ name: ifbName(KEY), alias }]), []);
  const links = [{ alias }, {}, { alias: formatAlias(KEY, [], {}) }, { alias: "headcni-ifb:1" }];
  assertEquals(listIfbOwners(links), [KEY]);
  assertEquals([KEY, { ...KEY, ifname: "eth1" }].map((key) => isLinkOf(key, { alias })), [
    true,
    false,
  ]);
});

Deno.test("formatAlias and parseAlias: there and back", () => {
  const alias = formatAlias(KEY, ADDRESSES, { namespace: "default", name: "web" });
  assertEquals(parseAlias(alias), { key: KEY, addresses: ADDRESSES, pod: "default/web" });
});

Deno.test("formatAlias: leaves the pod out when it does not fit into 255 bytes", () => {
  const alias = formatAlias(KEY, ADDRESSES, { namespace: "n".repeat(63), name: "p".repeat(200) });
  assertEquals(parseAlias(alias), { key: KEY, addresses: ADDRESSES, pod: undefined });
});

Deno.test("formatAlias: a pod's name cannot add words", () => {
  for (const name of ["x net=other", "x\nid=y", "a b"]) {
    const alias = formatAlias(KEY, ADDRESSES, { namespace: "default", name });
    assertEquals(parseAlias(alias), { key: KEY, addresses: ADDRESSES, pod: undefined });
  }
});

Deno.test("formatAlias: refuses an attachment that does not fit", () => {
  assertThrows(
    () => formatAlias({ ...KEY, network: "n".repeat(200) }, ADDRESSES, {}),
    ConfigError,
    "bytes too many",
  );
});

Deno.test("parseAlias: undefined for what is not ours", () => {
  for (
    const alias of [undefined, "", "uplink", "headcni:1", "headcni:1 net=pods id=c", "x net=a"]
  ) {
    assertEquals(parseAlias(alias), undefined);
  }
});

Deno.test("listAliases: names the links that are ours", () => {
  const alias = formatAlias(KEY, ADDRESSES, {});
  const links = [{ name: "lo" }, { name: "veth1", alias }, { name: "eth0", alias: "uplink" }];
  assertEquals(listAliases(links), [
    { key: KEY, addresses: ADDRESSES, pod: undefined, link: "veth1" },
  ]);
});

Deno.test("isLinkOf: by alias, or by group while there is no alias yet", () => {
  const alias = formatAlias(KEY, ADDRESSES, {});
  const group = HEADCNI_LINK_GROUP;
  assertEquals(isLinkOf(KEY, { alias, group }), true);
  assertEquals(isLinkOf(KEY, { group }), true);
  assertEquals(isLinkOf(KEY, {}), false);
  assertEquals(isLinkOf(KEY, { alias: "uplink", group }), false);
  assertEquals(isLinkOf({ ...KEY, ifname: "eth1" }, { alias, group }), false);
});
