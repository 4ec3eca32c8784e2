/** What the kernel tells of its own accord. */
import { assertEquals } from "@std/assert";
import { type KernelEventKind, openKernelEvents } from "../../lib/linux/kernel_events.ts";
import { ip } from "./callers.ts";
import { netnsTest } from "./namespace.ts";

/** Changes, and the kind that must be told among others. */
const CHANGES: readonly [KernelEventKind, readonly string[]][] = [
  ["link", ["ip", "link", "add", "hct0", "type", "bridge"]],
  ["address", ["ip", "address", "add", "10.9.0.1/24", "dev", "hct0"]],
  ["address", ["ip", "address", "add", "fd09::1/64", "dev", "hct0", "nodad"]],
  ["address", ["ip", "address", "delete", "10.9.0.1/24", "dev", "hct0"]],
  ["route", ["ip", "route", "add", "unreachable", "10.8.0.0/16"]],
  ["route", ["ip", "route", "add", "unreachable", "fd08::/16"]],
  ["route", ["ip", "route", "delete", "unreachable", "10.8.0.0/16"]],
  ["route", ["ip", "route", "delete", "unreachable", "fd08::/16"]],
  ["rule", ["ip", "rule", "add", "priority", "5100", "to", "10.9.0.0/24", "lookup", "main"]],
  ["rule", ["ip", "-6", "rule", "add", "priority", "5100", "to", "fd09::/64", "lookup", "main"]],
  ["rule", ["ip", "rule", "delete", "priority", "5100"]],
  ["rule", ["ip", "-6", "rule", "delete", "priority", "5100"]],
  ["nftables", ["nft", "add", "table", "inet", "hct"]],
  ["nftables", ["nft", "delete", "table", "inet", "hct"]],
  ["link", ["ip", "link", "set", "hct0", "up"]],
  ["link", ["ip", "link", "delete", "hct0"]],
];

netnsTest("openKernelEvents: tells of each kind of change, before and during a wait", async ({
  host,
}) => {
  for (const isWaiting of [true, false]) {
    using events = host.do(openKernelEvents);
    for (const [kind, command] of CHANGES) {
      let told = isWaiting ? events.next() : undefined;
      await host.run(...command);
      // What belongs to the change before, such as the route of an address, may be told first.
      for (;;) {
        const kinds = await (told ?? events.next());
        told = undefined;
        if (kinds?.has(kind)) break;
      }
    }
  }
});

netnsTest("openKernelEvents: many changes at once are told at once, none is forgotten", async ({
  host,
}) => {
  using events = host.do(openKernelEvents);
  // More than the socket's buffer holds.
  const count = 4000;
  const batch = (verb: string) =>
    Array.from(
      { length: count },
      (_, i) => `route ${verb} unreachable 10.${i >> 8}.${i & 255}.0/24`,
    )
      .join("\n");
  const file = await Deno.makeTempFile({ prefix: "hct" });
  try {
    for (const verb of ["add", "delete"]) {
      await Deno.writeTextFile(file, batch(verb));
      await host.run("ip", "-batch", file);
    }
  } finally {
    await Deno.remove(file);
  }
  const kinds = await events.next();
  assertEquals([...kinds ?? []].toSorted(), ["address", "link", "nftables", "route", "rule"]);
  const quiet = events.next();
  await ip(host, ["rule add priority 5100 to 10.9.0.0/24 lookup main"]);
  assertEquals([...await quiet ?? []], ["rule"]);
  await ip(host, ["rule delete priority 5100"]);
});

netnsTest("openKernelEvents: disposal ends a wait, and one of which nobody waits", async ({
  host,
}) => {
  const idle = host.do(openKernelEvents);
  idle[Symbol.dispose]();
  idle[Symbol.dispose]();
  assertEquals(await idle.next(), undefined);
  const events = host.do(openKernelEvents);
  const told: unknown[] = [];
  const loop = (async () => {
    for await (const kinds of events) told.push(kinds);
  })();
  await host.run("true"); // the thread waits meanwhile
  events[Symbol.dispose]();
  await loop;
  assertEquals(told, []);
});
