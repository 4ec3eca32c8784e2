import { assertEquals } from "@std/assert";
import { PLAIN_SCREEN } from "../screen.ts";
import { formatPods } from "./format_pods.ts";
import type { AttachmentStatus } from "./read_stores.ts";

const ATTACHMENT: AttachmentStatus = {
  network: "pods",
  containerId: "0123456789abcdef",
  ifname: "eth0",
  pod: { namespace: "default", name: "web" },
  addresses: ["10.0.0.2/24", "fd00::2/64"],
  phase: "added",
  hostLink: "veth1234",
  createdMs: 60_000,
};

Deno.test("formatPods: a paragraph a store, a line an attachment", () => {
  const bare = { network: "pods", containerId: "b", ifname: "eth1", pod: {}, addresses: [] };
  const stores = [
    { directory: "/a", exists: false, attachments: [] },
    { directory: "/b", exists: true, schema: 1, attachments: [] },
    {
      directory: "/c",
      exists: true,
      schema: 1,
      attachments: [ATTACHMENT, { ...bare, phase: "adding" as const, createdMs: 119_000 }],
    },
  ];
  assertEquals(
    formatPods(stores, 120_000, PLAIN_SCREEN),
    `Store /a: nothing was ever attached

Store /b, format 1: 0 attached

Store /c, format 1: 2 attached
POD          NETWORK  INTERFACE  ADDRESSES               HOST LINK  CONTAINER     AGE
default/web  pods     eth0       10.0.0.2/24,fd00::2/64  veth1234   0123456789ab  1m
-            pods     eth1       -                       -          b             1s (not finished)`,
  );
});
