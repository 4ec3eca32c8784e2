/**
 * Run by a test with `--unstable-net`: says `ready` when it listens at the socket that its argument
 * names, and then the text of the one datagram that comes.
 */
const [path = ""] = Deno.args;

const socket = Deno.listenDatagram({ transport: "unixpacket", path });
console.log("ready");
const [datagram] = await socket.receive();
console.log(new TextDecoder().decode(datagram));
