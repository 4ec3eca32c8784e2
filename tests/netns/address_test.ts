/** Steps about addresses, with ip(8) as witness. */
import { assertEquals, assertThrows } from "@std/assert";
import { KernelError } from "../../lib/errors.ts";
import type { Place, Step } from "../../lib/host/step.ts";
import { formatPrefix, parsePrefix } from "../../lib/net/prefix.ts";
import { netnsTest } from "./namespace.ts";
import { ADD_VETH, REMOVE_VETH, TestNode } from "./node.ts";

/** Text of an address, and what ip(8) says beside it. */
const ADDRESSES: readonly [string, Record<string, unknown>][] = [
  ["10.9.0.2/24", { broadcast: "10.9.0.255", scope: "global" }],
  ["10.9.1.1/30", { broadcast: "10.9.1.3" }],
  ["10.9.2.0/31", { broadcast: undefined }],
  ["10.9.3.1/32", { broadcast: undefined }],
  ["169.254.9.9/16", { scope: "global" }],
  ["fd09::2/64", { tentative: undefined, scope: "global", nodad: true }],
  ["fd09:1::1/128", { tentative: undefined }],
  ["fe80::9/64", { tentative: undefined, scope: "link" }],
];

for (const place of ["host", "pod"] as const) {
  netnsTest(`add-address: usable at once, in the ${place}, once and again`, async (pair) => {
    using node = new TestNode(pair);
    node.apply(...ADD_VETH);
    const link = place === "host" ? "veth0" : "eth0";
    for (const [text, expected] of ADDRESSES) {
      const step = addressStep("add-address", place, link, text);
      node.apply(step, step);
      const found = (await pair[place].ip("address", "show", link))
        .flatMap(({ addr_info }) => Array.isArray(addr_info) ? addr_info : [])
        .filter(({ local, prefixlen }) => `${local}/${prefixlen}` === text);
      assertEquals(found.length, 1, text);
      for (const [field, value] of Object.entries(expected)) {
        assertEquals(found[0][field], value, `${text} ${field}`);
      }
    }
    assertEquals(listed(node, place, link), ADDRESSES.map(([text]) => text).toSorted());
    for (const [text] of ADDRESSES) {
      const step = addressStep("remove-address", place, link, text);
      node.apply(step, step);
    }
    assertEquals(listed(node, place, link), []);
    node.apply(REMOVE_VETH);
    for (const [text] of ADDRESSES) {
      node.apply(addressStep("remove-address", place, link, text));
    }
  });
}

netnsTest("add-address: refuses an IPv6 address that is there with another length", (pair) => {
  using node = new TestNode(pair);
  node.apply(...ADD_VETH, addressStep("add-address", "pod", "eth0", "fd09::2/64"));
  const error = assertThrows(
    () => node.apply(addressStep("add-address", "pod", "eth0", "fd09::2/128")),
    KernelError,
  );
  assertEquals([error.call, error.errno], ["RTM_NEWADDR", 17]);
  node.apply(REMOVE_VETH);
});

netnsTest("add-address: names the link that is not there", (pair) => {
  using node = new TestNode(pair);
  const error = assertThrows(
    () => node.apply(addressStep("add-address", "pod", "eth9", "10.9.0.2/24")),
    KernelError,
  );
  assertEquals(
    [error.errno, error.message],
    [19, 'Cannot apply "ip -n pod address add 10.9.0.2/24 dev eth9": there is no link "eth9"'],
  );
});

netnsTest("listAddresses: tells a duplicate address detection that is not over", async (pair) => {
  using node = new TestNode(pair);
  // The host's end stays down: without carrier the detection cannot begin.
  node.apply(...ADD_VETH.filter((step) => step.kind === "add-veth" || step.place === "pod"));
  await pair.pod.run("ip", "address", "add", "fd09::3/64", "dev", "eth0");
  node.apply(addressStep("add-address", "pod", "eth0", "fd09::4/64"));
  const found = node.ask((host) => host.listAddresses("pod"))
    .map(({ address, tentative }) => `${formatPrefix(address)} ${tentative}`);
  assertEquals(found.toSorted(), ["fd09::3/64 true", "fd09::4/64 false"]);
  node.apply(REMOVE_VETH);
});

/** Which of our addresses a link has. */
function listed(node: TestNode, place: Place, link: string): string[] {
  const index = node.ask((host) => host.findLink(place, link))?.index;
  return node.ask((host) => host.listAddresses(place, index))
    .map(({ address }) => formatPrefix(address))
    .filter((text) => ADDRESSES.some(([ours]) => ours === text))
    .toSorted();
}

function addressStep(
  kind: "add-address" | "remove-address",
  place: Place,
  link: string,
  text: string,
): Step {
  return { kind, place, link, address: parsePrefix(text) };
}
