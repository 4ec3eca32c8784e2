import type { Firewall } from "../../lib/attach/node.ts";
import type { Host } from "../../lib/host/host.ts";
import type { KernelHostPort } from "../../lib/net/host_port.ts";
import type { Link } from "../../lib/net/link.ts";

/** A kernel whose links can be asked for, and nothing else. */
export function listedHost(links: readonly Link[]): Host {
  const refuse = () => {
    throw new Error("the kernel was asked for more than links");
  };
  return {
    apply: refuse,
    findLink: (place, name) => links.find((link) => place === "host" && link.name === name),
    listLinks: (place) => place === "host" ? [...links] : [],
    hasPorts: refuse,
    uplinkMtuBytes: refuse,
    listAddresses: refuse,
    listRoutes: refuse,
    listRules: refuse,
    findLimit: refuse,
    findRedirect: refuse,
    readSysctl: refuse,
    removeLinksInBackground: refuse,
    [Symbol.dispose]: () => {},
  };
}

/** A packet filter whose host ports can be asked for, and nothing else. */
export function listedFirewall(ports: readonly KernelHostPort[]): Firewall {
  const refuse = () => {
    throw new Error("the packet filter was asked for more than host ports");
  };
  return {
    ensureMasquerade: refuse,
    missingMasquerade: refuse,
    ensureHostPorts: refuse,
    missingHostPorts: refuse,
    removeHostPorts: refuse,
    removeHostPortsInBackground: refuse,
    findHostPorts: refuse,
    listHostPorts: () => [...ports],
    [Symbol.dispose]: () => {},
  };
}
