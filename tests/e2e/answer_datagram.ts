/**
 * Answers one datagram, in whatever namespace it runs: binds the port, runs a command that sends to
 * it, and prints what that command printed.
 *
 * Usage: answer_datagram.ts PORT COMMAND...
 */
if (import.meta.main) {
  const [port, command = "", ...args] = Deno.args;
  const socket = Deno.listenDatagram({
    hostname: "0.0.0.0",
    port: Number(port),
    transport: "udp",
  });
  const asking = new Deno.Command(command, { args, stderr: "inherit" }).output();
  const [datagram, sender] = await socket.receive();
  await socket.send(datagram, sender);
  await Deno.stdout.write((await asking).stdout);
  socket.close();
}
