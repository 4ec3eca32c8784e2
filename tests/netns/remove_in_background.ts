/**
 * Run inside a namespace by tests: removes the links that the arguments name on another thread,
 * twice, and prints what is left of the links and how many threads went astray.
 */
import { openLinuxHost } from "../../lib/linux/host.ts";
import { threadsIn } from "./namespace.ts";

using host = openLinuxHost();
const gone = host.removeLinksInBackground(Deno.args);
host.listLinks("host"); // the handle stays of use meanwhile
await gone;
await host.removeLinksInBackground(Deno.args);
const names = host.listLinks("host").map((link) => link.name);
const threads = Array.from(Deno.readDirSync("/proc/self/task")).length;
const stray = threads - threadsIn("/proc/self/ns/net").length;
console.log(JSON.stringify({ names, stray }));
