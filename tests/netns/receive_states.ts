/**
 * Run by a test with `--unstable-net`, in the place of a service manager: says `ready` when it listens
 * at the socket that its argument names, and then the text of each datagram. A NUL ends each text.
 */
const [path = ""] = Deno.args;

const socket = Deno.listenDatagram({ transport: "unixpacket", path });
console.log("ready\0");
for await (const [datagram] of socket) console.log(`${new TextDecoder().decode(datagram)}\0`);
