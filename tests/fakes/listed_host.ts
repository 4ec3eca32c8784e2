import type { Host } from "../../lib/host/host.ts";
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
