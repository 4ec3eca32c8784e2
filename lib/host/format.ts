/** Steps in the operator's language: what errors and golden tests show. */
import { formatAddress } from "../net/address.ts";
import { formatMac } from "../net/mac.ts";
import { formatPrefix } from "../net/prefix.ts";
import { queueLimitBytes } from "../net/rate.ts";
import type { Route } from "../net/route.ts";
import type { Rule } from "../net/rule.ts";
import type { Place, Step, StepOf } from "./step.ts";

/**
 * A step as the command that would do the same, with `pod` as the name of the pod's namespace. The
 * marks of what is ours are left out: the link group, the protocol of routes and rules.
 */
export function formatStep(step: Step): string {
  switch (step.kind) {
    case "add-bridge":
      return line("ip link add name", step.name, formatLinkFields(step), "up type bridge");
    case "add-veth":
      return line(
        ["ip link add name", step.name, formatLinkFields(step), "type veth"],
        ["peer name", step.peer.name, "netns pod", formatLinkFields(step.peer)],
      );
    case "add-ifb":
      return line("ip link add name", step.name, formatLinkFields(step), "up type ifb");
    case "limit-link":
      return line(
        ["tc qdisc replace dev", step.name, "root handle 1: tbf"],
        ["rate", `${step.rate.bytesPerSecond}bps`, "burst", step.rate.burstBytes],
        ["limit", queueLimitBytes(step.rate)],
      );
    case "redirect-link":
      return line(
        ["tc qdisc replace dev", step.name, "ingress", "&&"],
        ["tc filter replace dev", step.name, "parent ffff: handle 800::800 prio 1 protocol all"],
        ["u32 match u32 0 0 action mirred egress redirect dev", step.to],
      );
    case "set-link":
      return line(ip(step.place), "link set dev", step.name, formatLinkFields(step));
    case "set-bridge-port":
      return line(
        ["bridge link set dev", step.name],
        ["hairpin", onOff(step.hairpin), "isolated", onOff(step.isolated)],
      );
    case "remove-link":
      return line(ip(step.place), "link delete dev", step.name);
    case "add-address":
      return line(
        [ip(step.place), "address add", formatPrefix(step.address), "dev", step.link],
        step.address.address.family === 6 && "nodad",
      );
    case "remove-address":
      return line(ip(step.place), "address delete", formatPrefix(step.address), "dev", step.link);
    case "add-route":
      return line(ip(step.place), "route add", formatRoute(step.route));
    case "remove-route":
      return line(ip(step.place), "route delete", formatRoute(step.route));
    case "add-rule":
      return line(ip(step.place, step.rule), "rule add", formatRule(step.rule));
    case "remove-rule":
      return line(ip(step.place, step.rule), "rule delete", formatRule(step.rule));
    case "set-sysctl":
      return line(
        [step.place === "pod" && "ip netns exec pod", "sysctl", step.optional && "-e"],
        ["-w", `${step.path.join("/")}=${step.value}`],
      );
  }
}

type Word = string | number | false | undefined;

/** Joins what is there by spaces. */
function line(...words: readonly (Word | readonly Word[])[]): string {
  return words.flat().filter((word) => word !== undefined && word !== false && word !== "")
    .join(" ");
}

/** `name value`, or nothing without a value. */
function option(name: string, value: string | number | undefined): string {
  return value === undefined ? "" : `${name} ${value}`;
}

function ip(place: Place, rule?: Rule): string {
  return line("ip", place === "pod" && "-n pod", rule?.family === 6 && "-6");
}

function onOff(value: boolean): string {
  return value ? "on" : "off";
}

type LinkFields = Partial<
  Pick<
    StepOf<"set-link">,
    "up" | "mtuBytes" | "mac" | "alias" | "promiscuous" | "master"
  >
>;

function formatLinkFields({ up, mtuBytes, mac, alias, promiscuous, master }: LinkFields): string {
  return line(
    option("mtu", mtuBytes),
    option("address", mac && formatMac(mac)),
    option("alias", alias && `'${alias}'`),
    promiscuous !== undefined && `promisc ${onOff(promiscuous)}`,
    option("master", master),
    up !== undefined && (up ? "up" : "down"),
  );
}

function formatRoute(route: Route): string {
  return line(
    route.unreachable && "unreachable",
    formatPrefix(route.destination),
    option("via", route.gateway && formatAddress(route.gateway)),
    option("dev", route.link),
    route.onlink && "onlink",
    option("src", route.source && formatAddress(route.source)),
    option("mtu", route.mtuBytes),
    option("advmss", route.advmssBytes),
    option("metric", route.priority),
    option("table", route.table),
    option("scope", route.scope),
  );
}

function formatRule({ priority, from, to, table }: Rule): string {
  return line(
    option("priority", priority),
    option("from", from && formatPrefix(from)),
    option("to", to && formatPrefix(to)),
    option("lookup", table),
  );
}
