import type { Firewall } from "../../lib/attach/node.ts";
import { ConfigError } from "../../lib/errors.ts";
import { claimOf, claimsOverlap, type KernelHostPort } from "../../lib/net/host_port.ts";

/**
 * A packet filter that holds host ports and nothing else.
 * @param held what it holds; changes are made in place.
 */
export function fakeFirewall(held: KernelHostPort[]): Firewall {
  const refuse = () => {
    throw new Error("the packet filter was asked for more than host ports");
  };
  const inTheWay = ({ port }: KernelHostPort) =>
    held.find((one) => claimsOverlap(claimOf(one.port), claimOf(port)));
  const firewall: Firewall = {
    ensureMasquerade: refuse,
    missingMasquerade: refuse,
    missingHostPorts: refuse,
    ensureHostPorts(ports, { link }) {
      for (const port of ports) {
        const owner = inTheWay({ port, link });
        if (owner && owner.link !== link) {
          throw new ConfigError("port-taken", `port ${port.hostPort} is that of "${owner.link}"`);
        }
      }
      held.push(...ports.map((port) => ({ port, link })));
    },
    removeHostPorts(ports, link) {
      for (const port of ports) {
        const at = held.findIndex((one) =>
          one.link === link && one.port.hostPort === port.hostPort
        );
        if (at >= 0) held.splice(at, 1);
      }
    },
    removeHostPortsInBackground(ports, link) {
      firewall.removeHostPorts(ports, link);
      return Promise.resolve();
    },
    findHostPorts: (ports) =>
      held.filter(({ port }) => ports.some((each) => claimsOverlap(claimOf(each), claimOf(port)))),
    listHostPorts: () => [...held],
    [Symbol.dispose]: () => {},
  };
  return firewall;
}
