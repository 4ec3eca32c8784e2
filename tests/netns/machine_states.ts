/** States in which people find a node. Each is made of a machine of a test's own. */
import { FakeTailscaled } from "../fakes/tailscaled.ts";
import { SETTINGS, type TestMachine } from "./machine.ts";
import { connectTailnet } from "./tailnet_link.ts";

/** Names of the states. */
export type MachineState =
  | "nothing"
  | "foreign"
  | "half"
  | "up"
  | "daemon-dead"
  | "tailscaled-dead"
  | "not-root";

/** Makes a machine what it is to be; what it needs for that goes with `owned`. */
type Make = (machine: TestMachine, owned: AsyncDisposableStack) => Promise<unknown>;

/** All states. */
export const MACHINE_STATES: Readonly<Record<MachineState, Make>> = {
  "nothing": () => Promise.resolve(),
  "foreign": (machine) =>
    machine.run(`
      mkdir -p /opt/cni/bin /etc/cni/net.d
      printf '#!/bin/sh\\nexit 7\\n' >/opt/cni/bin/bridge; chmod 755 /opt/cni/bin/bridge
      echo '{"cniVersion":"1.0.0","name":"other","plugins":[{"type":"bridge"}]}' \\
        >/etc/cni/net.d/10-other.conflist
      ip link add cni0 type bridge`),
  "half": async (machine) => {
    await machine.succeed(["install", "--no-start", ...SETTINGS]);
    await machine.run("rm /opt/cni/bin/headcni-ipam");
  },
  "up": comeUp,
  "daemon-dead": async (machine, owned) => {
    await comeUp(machine, owned);
    await machine.killService();
  },
  "tailscaled-dead": async (machine, owned) => {
    const tailscaled = await comeUp(machine, owned);
    await tailscaled.stop();
    await awaitLine(machine, "start tailscaled");
  },
  "not-root": comeUp,
};

/** Where the daemon of a machine that is up writes its log. */
const DAEMON_LOG = "/var/log/headcni/daemon.log";

/** A node with a pod, in a tailnet with another node that serves pods. */
async function comeUp(
  machine: TestMachine,
  owned: AsyncDisposableStack,
): Promise<FakeTailscaled> {
  const tailscaled = owned.use(await FakeTailscaled.start());
  tailscaled.whois = (address) => address === "100.64.0.2" ? "edge-8" : undefined;
  tailscaled.status = {
    Peer: {
      "nodekey:2": {
        ...{ HostName: "edge-8", PublicKey: "nodekey:2", TailscaleIPs: ["100.64.0.2"] },
        ...{ AllowedIPs: ["100.64.0.2/32", "10.9.7.0/24"], PrimaryRoutes: ["10.9.7.0/24"] },
        ...{ Online: true, Relay: "far", LastHandshake: "2026-11-27T15:02:11Z" },
      },
    },
  };
  await connectTailnet(machine.host, await machine.makePod());
  const settings = [
    "tailscale.mode=host",
    `tailscale.socket.path=${tailscaled.socket}`,
    `logging.file.path=${DAEMON_LOG}`,
  ];
  await machine.succeed([
    "install",
    ...SETTINGS,
    ...settings.flatMap((setting) => ["--set", setting]),
  ]);
  // Pods may come before the tailnet serves them.
  await awaitLine(machine, "The node is ready");
  await machine.plugin("ADD", await machine.makePod(), await machine.network());
  return tailscaled;
}

/** Waits until the daemon has written a text. */
async function awaitLine(machine: TestMachine, text: string): Promise<void> {
  const [command = "", ...args] = [...machine.enter, "tail", "-n", "+1", "-f", DAEMON_LOG];
  const tail = new Deno.Command(command, { args, stdout: "piped" }).spawn();
  let seen = "";
  for await (const part of tail.stdout.pipeThrough(new TextDecoderStream())) {
    seen += part;
    if (seen.includes(text)) break;
  }
  tail.kill();
  await tail.status;
}
