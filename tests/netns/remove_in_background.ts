/**
 * Run inside a namespace by host_test.ts: removes the link that the first argument names on another
 * thread, twice, and prints what is left of the links and how many threads went astray.
 */
import { openLinuxHost } from "../../lib/linux/host.ts";
import { threadsIn } from "./namespace.ts";

const [name = ""] = Deno.args;
using host = openLinuxHost();
const gone = host.removeLinkInBackground(name);
host.listLinks("host"); // the handle stays of use meanwhile
await gone;
await host.removeLinkInBackground(name);
const names = host.listLinks("host").map((link) => link.name);
const threads = Array.from(Deno.readDirSync("/proc/self/task")).length;
const stray = threads - threadsIn("/proc/self/ns/net").length;
console.log(JSON.stringify({ names, stray }));
