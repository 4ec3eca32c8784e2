/**
 * The fake API server in the namespace that this process is started in. Writes a kubeconfig at the path
 * that its argument names and says `ready`; then a JSON line for each patch. A line on standard input
 * is the list of prefixes to assign, or a change of its behaviour; the end of the input is its end.
 */
import { FakeApiServer } from "../fakes/api_server.ts";

if (import.meta.main) {
  const [path = ""] = Deno.args;
  await using server = await FakeApiServer.start();
  await Deno.writeTextFile(path, JSON.stringify(kubeconfig(server.access)));
  server.onPatch = (patch) => console.log(JSON.stringify(patch));
  console.log("ready");
  let rest = "";
  for await (const chunk of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const order = JSON.parse(line);
      if (Array.isArray(order)) server.assign(...order);
      else if (order.isSilent) server.behaviour.hold = new Promise(() => {});
      else Object.assign(server.behaviour, order);
    }
  }
}

function kubeconfig({ server, caPem = "", token }: FakeApiServer["access"]) {
  const cluster = { server, "certificate-authority-data": btoa(caPem) };
  return {
    contexts: [{ name: "fake", context: { cluster: "fake", user: "fake" } }],
    clusters: [{ name: "fake", cluster }],
    users: [{ name: "fake", user: { token: token() } }],
  };
}
