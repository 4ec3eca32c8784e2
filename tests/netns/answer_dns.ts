/** Run by connect_test_test.ts, in a namespace: a name server that knows no name. Says `ready`. */
const socket = Deno.listenDatagram({ transport: "udp", hostname: "0.0.0.0", port: 53 });
console.log("ready");
for await (const [question, caller] of socket) {
  // QR and NXDOMAIN: RFC 1035, section 4.1.1.
  question[2] = (question[2] ?? 0) | 0x80;
  question[3] = 3;
  await socket.send(question, caller);
}
