/** Carries out steps, each as idempotent as its kind says (`lib/host/step.ts`). */
import { HeadcniError, KernelError } from "../errors.ts";
import { formatStep } from "../host/format.ts";
import type { Place, Step, StepOf } from "../host/step.ts";
import { equalPrefixes } from "../net/prefix.ts";
import { addAddress, decodeAddress, listAddresses, removeAddress } from "../netlink/address.ts";
import { addBridge, addIfb, addVeth, removeLink, setBridgePort, setLink } from "../netlink/link.ts";
import { addIngress, setBucket } from "../netlink/qdisc.ts";
import { redirectAll } from "../netlink/redirect.ts";
import { addRoute, decodeRoute, isSameRoute, listRoutes, removeRoute } from "../netlink/route.ts";
import { addRule, removeRule } from "../netlink/rule.ts";
import type { RouteRequest } from "../netlink/rtnetlink.ts";
import { cannot, type Doing } from "./doing.ts";
import { EADDRNOTAVAIL, EEXIST, ENODEV, ENOENT, ESRCH } from "./errno.ts";
import type { Namespace } from "./namespace.ts";
import type { RouteSocket } from "./route_socket.ts";
import { writeSysctl } from "./sysctl.ts";

/**
 * Carries out one step.
 * @param namespaceOf finds the namespace of a place, or throws.
 * @throws KernelError whose text has the step as an ip(8) command.
 */
export function applyStep(step: Step, namespaceOf: (place: Place) => Namespace): void {
  const doing = () => `apply "${formatStep(step)}"`;
  const routesOf = (place: Place) => namespaceOf(place).routes;
  switch (step.kind) {
    case "add-bridge":
      return applyAddBridge(step, routesOf("host"), doing);
    case "add-veth":
      return applyAddVeth(step, routesOf("host"), namespaceOf("pod"), doing);
    case "add-ifb":
      return addMarked(addIfb(step), step, routesOf("host"), doing);
    case "limit-link": {
      const routes = routesOf("host");
      return routes.change(setBucket(routes.linkIndex(step.name, doing), step.rate), doing);
    }
    case "redirect-link":
      return applyRedirectLink(step, routesOf("host"), doing);
    case "set-link":
      return applySetLink(step, routesOf(step.place), doing);
    case "set-bridge-port": {
      const routes = routesOf("host");
      return routes.change(setBridgePort(routes.linkIndex(step.name, doing), step), doing);
    }
    case "remove-link":
      return routesOf(step.place).change(removeLink(step.name), doing, [ENODEV]);
    case "add-address":
      return applyAddAddress(step, routesOf(step.place), doing);
    case "remove-address":
      return applyRemoveAddress(step, routesOf(step.place), doing);
    case "add-route":
      return applyAddRoute(step, routesOf(step.place), doing);
    case "remove-route":
      return applyRemoveRoute(step, routesOf(step.place), doing);
    case "add-rule":
      return routesOf(step.place).change(addRule(step.rule), doing, [EEXIST]);
    case "remove-rule":
      return routesOf(step.place).change(removeRule(step.rule), doing, [ENOENT]);
    case "set-sysctl":
      return applySetSysctl(step, namespaceOf(step.place));
  }
}

function applyAddBridge(step: StepOf<"add-bridge">, routes: RouteSocket, doing: Doing): void {
  addUnlessPresent(routes, addBridge(step), doing, () => {
    return routes.findLink(step.name)?.linkKind === "bridge";
  });
}

function applyAddVeth(
  { name, mtuBytes, alias, peer }: StepOf<"add-veth">,
  routes: RouteSocket,
  pod: Namespace,
  doing: Doing,
): void {
  if (pod.netnsFd === undefined) throw new HeadcniError("internal", `${cannot(doing)}: no pod`);
  const request = addVeth({ name, mtuBytes, peer: { ...peer, netnsFd: pod.netnsFd } });
  addMarked(request, { name, alias }, routes, doing);
}

/** The alias cannot be given at creation: killed between, we leave a link of our group. */
function addMarked(
  request: RouteRequest,
  { name, alias }: Pick<StepOf<"add-veth">, "name" | "alias">,
  routes: RouteSocket,
  doing: Doing,
): void {
  routes.change(request, doing);
  try {
    routes.change(setLink(name, { alias }), doing);
  } catch (error) {
    routes.change(removeLink(name), doing, [ENODEV]);
    throw error;
  }
}

function applyRedirectLink(
  { name, to }: StepOf<"redirect-link">,
  routes: RouteSocket,
  doing: Doing,
): void {
  const [index, toIndex] = [routes.linkIndex(name, doing), routes.linkIndex(to, doing)];
  routes.change(addIngress(index), doing);
  routes.change(redirectAll(index, toIndex), doing);
}

function applySetLink(step: StepOf<"set-link">, routes: RouteSocket, doing: Doing): void {
  const { master, ...changes } = step;
  const masterIndex = master === undefined ? undefined : routes.linkIndex(master, doing);
  routes.change(setLink(step.name, { ...changes, masterIndex }), doing);
}

function applyAddAddress(step: StepOf<"add-address">, routes: RouteSocket, doing: Doing): void {
  const index = routes.linkIndex(step.link, doing);
  addUnlessPresent(routes, addAddress(index, step.address), doing, () => {
    return routes.answer(listAddresses(index), doing).map(decodeAddress)
      .some((have) => have?.linkIndex === index && equalPrefixes(have.address, step.address));
  });
}

function applyRemoveAddress(
  step: StepOf<"remove-address">,
  routes: RouteSocket,
  doing: Doing,
): void {
  const index = routes.findLinkIndex(step.link);
  if (index === undefined) return;
  routes.change(removeAddress(index, step.address), doing, [EADDRNOTAVAIL, ENODEV]);
}

function applyAddRoute(
  { route: { link, ...rest }, keepPresent = false }: StepOf<"add-route">,
  routes: RouteSocket,
  doing: Doing,
): void {
  const linkIndex = link === undefined ? undefined : routes.linkIndex(link, doing);
  const route = { ...rest, linkIndex };
  addUnlessPresent(routes, addRoute(route), doing, () => {
    return keepPresent || routes.answer(listRoutes(linkIndex), doing).map(decodeRoute)
      .some((have) => have && isSameRoute(route, have));
  });
}

function applyRemoveRoute(
  { route: { link, ...rest } }: StepOf<"remove-route">,
  routes: RouteSocket,
  doing: Doing,
): void {
  const linkIndex = link === undefined ? undefined : routes.findLinkIndex(link);
  if (link !== undefined && linkIndex === undefined) return; // its routes went with it
  routes.change(removeRoute({ ...rest, linkIndex }), doing, [ESRCH, ENODEV]);
}

function applySetSysctl(step: StepOf<"set-sysctl">, namespace: Namespace): void {
  try {
    namespace.run(() => writeSysctl(step.path, step.value));
  } catch (error) {
    const isAbsent = error instanceof KernelError && error.errno === ENOENT;
    if (!(step.optional && isAbsent)) throw error;
  }
}

/** Adds an object; EEXIST is no fault when the present one is what was wanted. */
function addUnlessPresent(
  routes: RouteSocket,
  request: RouteRequest,
  doing: Doing,
  isPresent: () => boolean,
): void {
  try {
    routes.change(request, doing);
  } catch (error) {
    const exists = error instanceof KernelError && error.errno === EEXIST;
    if (!(exists && isPresent())) throw error;
  }
}
