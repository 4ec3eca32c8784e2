import { assert, assertEquals, assertThrows } from "@std/assert";
import { KernelError } from "../errors.ts";
import { decodeLink, getLink, listLinks } from "../netlink/link.ts";
import { NETLINK_ROUTE, NetlinkSocket } from "./netlink_socket.ts";

Deno.test("NetlinkSocket: answers one object, and a dump", () => {
  using socket = NetlinkSocket.open(NETLINK_ROUTE);
  const [lo] = socket.request(getLink("lo"), "RTM_GETLINK", 'find link "lo"').map(decodeLink);
  assertEquals(lo?.name, "lo");
  const all = socket.request(listLinks(), "RTM_GETLINK", "list links").map(decodeLink);
  assert(all.some(({ index }) => index === lo?.index));
});

Deno.test("NetlinkSocket: tells call, errno and words of a refusal", () => {
  using socket = NetlinkSocket.open(NETLINK_ROUTE);
  const find = () => socket.request(getLink("hct-no-link"), "RTM_GETLINK", () => "find it");
  const error = assertThrows(find, KernelError);
  assertEquals([error.call, error.errno], ["RTM_GETLINK", 19]);
  assertEquals(error.message, "Cannot find it: RTM_GETLINK: ENODEV (No such device)");
});

Deno.test("NetlinkSocket: acknowledges each request of a batch", () => {
  using socket = NetlinkSocket.open(NETLINK_ROUTE);
  const requests = [getLink("lo"), getLink("hct-no-link"), getLink("lo")];
  const errnos = socket.requestBatch(requests, "find links").map(({ errno }) => errno);
  assertEquals(errnos, [0, 19, 0]);
  assertEquals(socket.request(getLink("lo"), "RTM_GETLINK", "find it").length, 1);
});

Deno.test("NetlinkSocket: an unknown protocol is refused", () => {
  const error = assertThrows(() => NetlinkSocket.open(99), KernelError);
  assertEquals([error.call, error.errno], ["socket", 93]);
  assertEquals(
    error.message,
    "Cannot open a netlink socket for protocol 99: socket: " +
      "EPROTONOSUPPORT (Protocol not supported)",
  );
});

Deno.test("NetlinkSocket: is of no use after disposal", () => {
  const socket = NetlinkSocket.open(NETLINK_ROUTE);
  socket[Symbol.dispose]();
  socket[Symbol.dispose]();
  const error = assertThrows(
    () => socket.request(getLink("lo"), "RTM_GETLINK", "find it"),
    KernelError,
  );
  assertEquals([error.call, error.errno], ["send", 9]);
});
