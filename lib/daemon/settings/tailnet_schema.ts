/** Settings of the tailnet: part of `schema.ts`. */
import { boolean, choice, duration, integer, line, list, text } from "./kind.ts";
import { fileName, linkName, mtu, path, url } from "./node_kinds.ts";
import { optional, secret, type Section, setting } from "./setting.ts";

const tag = text("TAG", "a tag such as tag:headcni", /^tag:[A-Za-z][A-Za-z0-9-]{0,62}$/);

/** `headscale`: the control server of the tailnet. */
export const headscale = {
  url: optional(url, {
    doc: "the Headscale server",
    env: ["HEADSCALE_URL"],
    flags: ["headscale-url"],
  }),
  authKey: secret({
    doc: "API key of Headscale",
    env: ["HEADSCALE_AUTH_KEY", "HEADSCALE_API_KEY", "HEADCNI_AUTH_KEY"],
    flags: ["headscale-auth-key"],
  }),
  caFile: optional(path, {
    doc: "certificates in PEM, beside the system's, that Headscale's own may come from",
    env: ["HEADSCALE_CA_FILE"],
    flags: ["headscale-ca-file"],
  }),
  timeout: setting(duration("1s"), "30s", {
    doc: "how long one request may take",
    env: ["HEADSCALE_TIMEOUT"],
    flags: ["headscale-timeout", "timeout"],
  }),
  retries: setting(integer("N", "a whole number", 0, 100), "3", {
    doc: "how often a request that failed is sent again",
    env: ["HEADSCALE_RETRIES"],
    flags: ["headscale-retries"],
  }),
} satisfies Section;

/** `tailscale`: how this node takes part in the tailnet. */
export const tailscale = {
  mode: setting(choice(["host", "own", "off"], { daemon: "own" }), "host", {
    doc: "use the tailscaled of the node, one of our own, or none",
    env: ["TAILSCALE_MODE"],
    flags: ["tailscale-mode"],
  }),
  url: optional(url, {
    doc: "control server that tailscaled logs in to",
    env: ["TAILSCALE_URL"],
    flags: ["tailscale-url"],
  }, "{headscale.url}"),
  authKey: secret({
    doc: "pre-auth key with which the node joins",
    env: ["TAILSCALE_AUTH_KEY", "TS_AUTHKEY"],
    flags: ["tailscale-auth-key"],
  }),
  socket: {
    path: setting(path, "/var/run/tailscale/tailscaled.sock", {
      doc: "socket of the node's tailscaled",
      env: ["TAILSCALE_SOCKET_PATH"],
      flags: ["tailscale-socket"],
      aliases: ["tailscale.socket"],
    }),
    name: setting(fileName, "headcni_tailscale.sock", {
      doc: "name, in the run directory, of the socket of a tailscaled of our own",
      flags: ["tailscale-socket-name"],
    }),
  },
  binary: optional(path, {
    doc: "the tailscaled to run for one of our own; found where programs are when absent",
    env: ["TAILSCALE_BINARY"],
    flags: ["tailscale-binary"],
  }),
  port: setting(integer("PORT", "a port", 0, 65_535), "41645", {
    doc: "UDP port of a tailscaled of our own; 0 takes any",
    env: ["TAILSCALE_PORT"],
    flags: ["tailscale-port"],
  }),
  mtu: setting(mtu, "1280", {
    doc: "MTU of the tailnet interface of a tailscaled of our own",
    env: ["TAILSCALE_MTU"],
    flags: ["tailscale-mtu"],
  }),
  acceptDNS: setting(boolean, "false", {
    doc: "tailscaled may change the node's name resolution",
    env: ["TAILSCALE_ACCEPT_DNS", "TS_ACCEPT_DNS"],
    flags: ["tailscale-accept-dns"],
  }),
  hostname: {
    prefix: setting(
      text("NAME", "letters, digits and -", /^[A-Za-z0-9][A-Za-z0-9-]{0,40}$/),
      "headcni-pod",
      {
        doc:
          "how the node's name in the tailnet begins, for a tailscaled of our own; its name in Kubernetes follows",
        flags: ["tailscale-hostname-prefix"],
      },
    ),
    type: setting(choice(["hostname", "fqdn"]), "hostname", {
      doc: "how much of its name in Kubernetes follows: the first label, or all of them",
      flags: ["tailscale-hostname-type"],
    }),
  },
  user: optional(line, {
    doc: "Headscale user that owns the node; nobody with tags",
    env: ["TAILSCALE_USER"],
    flags: ["tailscale-user"],
  }),
  tags: setting(list(tag, "tags such as tag:headcni"), "tag:control-server,tag:headcni", {
    doc: "tags of the node in the tailnet",
    env: ["TAILSCALE_TAGS"],
    flags: ["tailscale-tags"],
  }),
  interfaceName: setting(linkName, "headcni01", {
    doc: "tailnet interface of a tailscaled of our own",
    flags: ["tailscale-interface-name"],
    aliases: ["tailscale.nic"],
  }),
} satisfies Section;
