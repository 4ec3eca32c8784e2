import { assertEquals } from "@std/assert";
import { prefixes, selfNode, tailnetStatus } from "../../../tests/fakes/tailnet.ts";
import { tailnetHost } from "../../../tests/fakes/tailnet_host.ts";
import { parseAddress } from "../../net/address.ts";
import { findTailnetLink } from "./tailnet_link.ts";

const NONE = { device: undefined, acceptedRoutes: [] };

Deno.test("findTailnetLink: the link that has our address, with what is sent by it", () => {
  assertEquals(findTailnetLink(tailnetHost("10.244.2.0/24"), tailnetStatus()), {
    device: { name: "tailscale0", mtuBytes: 1280 },
    acceptedRoutes: prefixes("10.244.2.0/24"),
  });
});

Deno.test("findTailnetLink: none while nobody knows our address, or no link has it", () => {
  assertEquals(findTailnetLink(tailnetHost(), undefined), NONE);
  assertEquals(findTailnetLink(tailnetHost(), tailnetStatus({ self: undefined })), NONE);
  const addresses = [parseAddress("fd7a:115c:a1e0::1")];
  assertEquals(
    findTailnetLink(tailnetHost(), tailnetStatus({ self: selfNode({ addresses }) })),
    NONE,
  );
});

Deno.test("findTailnetLink: neither another table nor another link's routes are accepted ones", () => {
  const host = tailnetHost("10.244.2.0/24 10.244.3.0/24 10.244.4.0/24");
  const [first, second, ...others] = host.listRoutes("host");
  const listRoutes = () => [
    ...first ? [{ ...first, table: 254 }] : [],
    ...second ? [{ ...second, linkIndex: 8 }] : [],
    ...others,
  ];
  const { acceptedRoutes } = findTailnetLink({ ...host, listRoutes }, tailnetStatus());
  assertEquals(acceptedRoutes, prefixes("10.244.4.0/24"));
});
