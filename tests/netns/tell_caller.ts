/**
 * Run by host_port_traffic_test.ts, in a namespace: tells whoever calls by TCP or UDP its own name
 * and who the caller seems to be. Arguments: name, address, port. Says `ready` when it listens.
 */
const [name = "", hostname = "::", port = "0"] = Deno.args;

const listener = Deno.listen({ hostname, port: Number(port) });
const socket = Deno.listenDatagram({ transport: "udp", hostname, port: Number(port) });
console.log("ready");
await Promise.all([answerTcp(), answerUdp()]);

async function answerTcp(): Promise<void> {
  for await (const connection of listener) {
    try {
      await connection.write(answerTo(connection.remoteAddr));
      connection.close();
    } catch {
      // A caller that has gone wants no answer.
    }
  }
}

async function answerUdp(): Promise<void> {
  for await (const [_, caller] of socket) await socket.send(answerTo(caller), caller);
}

function answerTo(caller: Deno.Addr): Uint8Array<ArrayBuffer> {
  const address = "hostname" in caller ? caller.hostname.replace("::ffff:", "") : "nobody";
  return new TextEncoder().encode(`${name} sees ${address}\n`);
}
