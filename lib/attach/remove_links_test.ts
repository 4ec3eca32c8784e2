import { assertEquals, assertStringIncludes } from "@std/assert";
import { keyOf } from "../../tests/fakes/lease.ts";
import { listedHost } from "../../tests/fakes/listed_host.ts";
import { logged } from "../../tests/fakes/logged.ts";
import { HEADCNI_LINK_GROUP, type Link } from "../net/link.ts";
import { formatAlias, hostLinkName, ifbName } from "../pod/identity.ts";
import { removeLinks } from "./remove_links.ts";

const KEY = keyOf("c1");
const [VETH, IFB] = [hostLinkName(KEY), ifbName(KEY)];

/** What was removed from a host with these links, and what was answered. */
async function removeFrom(links: readonly Pick<Link, "name" | "alias" | "group">[]) {
  const common = { index: 1, mtuBytes: 1280, up: true, promiscuous: false, carrier: true };
  const listed = links.map((link): Link => ({ ...common, ...link }));
  const removed: string[] = [];
  const host = {
    ...listedHost(listed),
    removeLinksInBackground(names: readonly string[]) {
      removed.push(...names);
      return Promise.resolve();
    },
  };
  let answer: boolean | undefined;
  const warnings = await logged("warn", async () => {
    answer = await removeLinks(host, KEY);
  });
  return { removed, answer, warnings };
}

Deno.test("removeLinks: both links of the attachment, one with no alias yet too", async () => {
  const own = formatAlias(KEY, [], {});
  const { removed, answer, warnings } = await removeFrom([
    { name: VETH, alias: own },
    { name: IFB, alias: "", group: HEADCNI_LINK_GROUP },
    { name: "other", alias: own },
  ]);
  assertEquals([removed, answer, warnings], [[VETH, IFB], true, ""]);
});

Deno.test("removeLinks: a link of our name that is somebody else's stays, and is told", async () => {
  const { removed, answer, warnings } = await removeFrom([
    { name: VETH, alias: formatAlias(keyOf("c2"), [], {}) },
    { name: IFB, alias: "" },
  ]);
  assertEquals([removed, answer], [[], false]);
  assertStringIncludes(warnings, VETH);
});

Deno.test("removeLinks: nothing to remove is no fault", async () => {
  const { removed, answer, warnings } = await removeFrom([]);
  assertEquals([removed, answer, warnings], [[], false, ""]);
});
