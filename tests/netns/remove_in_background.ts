/**
 * Run inside a namespace by host_test.ts: removes the link that the first argument names on another
 * thread, twice, and prints what is left of the links and how many threads went astray.
 */
import { openLinuxHost } from "../../lib/linux/host.ts";
import { strayThreads } from "./namespace.ts";

const [name = ""] = Deno.args;
using host = openLinuxHost();
const gone = host.removeLinkInBackground(name);
host.listLinks("host"); // the handle stays of use meanwhile
await gone;
await host.removeLinkInBackground(name);
const names = host.listLinks("host").map((link) => link.name);
console.log(JSON.stringify({ names, stray: strayThreads().length }));
