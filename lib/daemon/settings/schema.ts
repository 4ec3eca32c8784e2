/**
 * Every setting of the daemon: types, defaults, documentation, help and errors come from here.
 * What the older system had and nobody reads any more is in `retired.ts`.
 */
import { LOG_LEVELS } from "../../log.ts";
import { boolean, choice, duration, integer, list, text } from "./kind.ts";
import {
  address,
  chainedPlugins,
  fileName,
  linkName,
  nodeLengths,
  nodeName,
  path,
  prefixes,
  url,
} from "./node_kinds.ts";
import { optional, secret, type Section, setting } from "./setting.ts";

const mtu = integer("BYTES", "a number of bytes", 576, 65_535);
const word = text("TEXT", "a text of one line", /^\P{Cc}{1,255}$/u);
const domain = text(
  "NAME",
  "a DNS name",
  /^(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9])?$/,
);
const tag = text("TAG", "a tag such as tag:headcni", /^tag:[A-Za-z][A-Za-z0-9-]{0,62}$/);
const urlPath = text("PATH", "a path of a URL that begins with /", /^\/[A-Za-z0-9_.~\/-]{0,255}$/);

const network = {
  podCIDR: {
    nodeLocal: optional(prefixes, {
      doc: "the pod network of this node, when the file shall decide it",
      fallbackEnv: ["NODE_POD_CIDR"],
      flags: ["node-pod-cidr"],
    }),
    base: optional(prefixes, {
      doc: "the pod network of the whole cluster",
      env: ["POD_CIDR"],
      flags: ["pod-cidr"],
      aliases: ["network.podCIDR"],
    }),
    perNode: setting(nodeLengths, "/24,/64", {
      doc: "how large the part of one node is that is computed from the base",
      flags: ["pod-cidr-per-node"],
      aliases: ["network.podCIDRSubnet"],
    }),
    allowComputed: setting(choice(["none", "hash", "default"]), "none", {
      doc: "where no source names the node's pod network: none waits, hash computes one from the " +
        "node's name (two nodes can get the same), default takes the first of the base",
      env: ["HEADCNI_ALLOW_COMPUTED_POD_CIDR"],
      flags: ["allow-computed-pod-cidr"],
    }),
  },
  serviceCIDR: optional(prefixes, {
    doc: "the service network of the cluster",
    env: ["SERVICE_CIDR"],
    flags: ["service-cidr"],
  }),
  mtu: setting(mtu, "1280", {
    doc: "MTU of pods; 1280 is that of tailscale0",
    env: ["HEADCNI_NETWORK_MTU"],
    flags: ["network-mtu"],
  }),
  enableIPv6: setting(boolean, "true", {
    doc: "false leaves out the IPv6 part of every network",
    env: ["HEADCNI_ENABLE_IPV6"],
    flags: ["enable-ipv6"],
  }),
  enableNetworkPolicy: setting(boolean, "false", {
    doc: "accepted; this release enforces no NetworkPolicy, and says so",
    env: ["HEADCNI_ENABLE_NETWORK_POLICY"],
    flags: ["enable-network-policy"],
  }),
  datapath: setting(choice(["bridge", "ptp"]), "bridge", {
    doc: "pods are ports of one bridge, or have a routed link each",
    env: ["HEADCNI_DATAPATH"],
    flags: ["datapath"],
  }),
  bridge: setting(linkName, "headcni0", {
    doc: "name of the bridge",
    env: ["HEADCNI_BRIDGE"],
    flags: ["bridge"],
  }),
  ipMasq: setting(boolean, "true", {
    doc: "what pods send to the outside leaves under the node's address",
    env: ["HEADCNI_IP_MASQ"],
    flags: ["ip-masq"],
  }),
  ipMasqTailnet: setting(boolean, "true", {
    doc: "also what they send to tailnet addresses",
    env: ["HEADCNI_IP_MASQ_TAILNET"],
    flags: ["ip-masq-tailnet"],
  }),
  guardClusterCIDR: setting(boolean, "true", {
    doc: "an unreachable route for the pod network of the cluster: without the tailnet nothing " +
      "leaves in clear",
    env: ["HEADCNI_GUARD_CLUSTER_CIDR"],
    flags: ["guard-cluster-cidr"],
  }),
};

const cni = {
  confDir: setting(path, "/etc/cni/net.d", {
    doc: "where the runtime looks for network configurations",
    env: ["CNI_CONF_DIR"],
    flags: ["cni-conf-dir"],
  }),
  binDir: setting(path, "/opt/cni/bin", {
    doc: "where the runtime looks for plugins",
    env: ["CNI_BIN_DIR"],
    flags: ["cni-bin-dir"],
  }),
  conflistName: setting(fileName, "05-headcni.conflist", {
    doc: "name of the file that the daemon writes there",
    env: ["HEADCNI_CONFLIST_NAME"],
    flags: ["cni-conflist-name"],
  }),
  mode: setting(choice(["native", "delegate"]), "native", {
    doc: "pods by our own network plugin, or by the bridge plugin with addresses of ipam.type",
    env: ["HEADCNI_CNI_MODE"],
    flags: ["cni-mode"],
  }),
  exclusive: setting(boolean, "true", {
    doc: "configurations of others that sort before ours are moved aside",
    env: ["HEADCNI_CNI_EXCLUSIVE"],
    flags: ["cni-exclusive"],
  }),
};

const logging = {
  level: setting(choice(LOG_LEVELS, { warning: "warn" }), "info", {
    doc: "lowest level that is logged",
    env: ["HEADCNI_LOG_LEVEL", "LOG_LEVEL"],
    flags: ["log-level"],
    aliases: ["daemon.logLevel"],
  }),
  format: setting(choice(["json", "text"], { console: "text" }), "json", {
    doc: "one JSON object a line, or text for people",
    env: ["LOG_FORMAT"],
    flags: ["log-format"],
  }),
  output: setting(
    choice(["stderr", "stdout", "none"], { file: "none", both: "stdout" }),
    "stderr",
    {
      doc: "where the log goes beside its file",
      env: ["LOG_OUTPUT"],
      flags: ["log-output"],
    },
  ),
  file: {
    enabled: setting(boolean, "true", {
      doc: "false writes no file, although one is named",
      flags: ["log-file-enabled"],
    }),
    path: optional(path, {
      doc: "a file to which the log is appended, too",
      env: ["LOG_FILE"],
      flags: ["log-file"],
    }),
  },
};

const monitoring = {
  enabled: setting(boolean, "true", {
    doc: "health and metrics over TCP; the socket has them in any case",
    env: ["MONITORING_ENABLED"],
    flags: ["monitoring-enabled"],
  }),
  address: setting(address, "127.0.0.1", {
    doc: "address to listen on",
    env: ["METRICS_ADDRESS"],
    flags: ["metrics-address"],
  }),
  port: setting(integer("PORT", "a port", 1, 65_535), "9001", {
    doc: "TCP port",
    env: ["METRICS_PORT"],
    flags: ["metrics-port"],
  }),
  path: setting(urlPath, "/metrics", {
    doc: "path of the metrics",
    env: ["METRICS_PATH"],
    flags: ["metrics-path"],
  }),
};

const headscale = {
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
};

const tailscale = {
  mode: setting(choice(["host", "daemon"]), "host", {
    doc: "use the tailscaled of the node, or one of our own",
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
  mtu: setting(mtu, "1280", {
    doc: "MTU of the tailnet interface",
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
        doc: "how the node's name in the tailnet begins, for a tailscaled of our own",
        flags: ["tailscale-hostname-prefix"],
      },
    ),
    type: setting(choice(["hostname", "fqdn"]), "hostname", {
      doc: "how the node is named in the tailnet",
      flags: ["tailscale-hostname-type"],
    }),
  },
  user: optional(word, {
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
};

/** The schema, in the order in which it is told. */
export const SCHEMA = {
  node: {
    name: setting(nodeName, "{hostname}", {
      doc: "name of the node in Kubernetes",
      env: ["NODE_NAME"],
      flags: ["node-name"],
    }),
  },
  network,
  cni,
  cniPlugins: setting(chainedPlugins, "[]", {
    doc: "plugins that run after ours, by priority: the lowest first",
    aliases: ["cni.cniPlugins"],
  }),
  ipam: {
    type: setting(choice(["headcni-ipam", "host-local"]), "headcni-ipam", {
      doc: "who gives addresses",
      flags: ["ipam-type"],
    }),
    strategy: setting(
      choice(["sequential", "random", "dense"], { "dense-pack": "dense" }),
      "sequential",
      { doc: "which address is next", flags: ["ipam-strategy"] },
    ),
    gcInterval: setting(duration("1m"), "1h", {
      doc: "how often addresses of pods that are gone are searched for",
      flags: ["ipam-gc-interval"],
    }),
  },
  dns: {
    magicDNS: {
      enabled: setting(boolean, "false", {
        doc: "name resolution of pods goes into the result of ADD",
        env: ["HEADCNI_MAGIC_DNS_ENABLED"],
        flags: ["magic-dns-enabled"],
      }),
      nameservers: setting(list(address, "IP addresses"), "", {
        doc: "name servers, before those of the cluster",
        flags: ["magic-dns-nameservers"],
      }),
      searchDomains: setting(list(domain, "DNS names"), "cluster.local", {
        doc: "domains in which short names are looked up",
        flags: ["magic-dns-search-domains"],
      }),
      options: setting(list(word, "options of resolv.conf"), "ndots:5,timeout:2", {
        doc: "options of resolv.conf",
        flags: ["magic-dns-options"],
      }),
    },
  },
  monitoring,
  logging,
  kube: {
    access: setting(choice(["auto", "off"]), "auto", {
      doc:
        "auto uses the API server where it can be reached and never waits for it, off never asks it",
      env: ["HEADCNI_KUBE_ACCESS"],
      flags: ["kube-access"],
    }),
    kubeconfig: optional(path, {
      doc: "a kubeconfig to use; else the pod's service account, else the files of k3s and kubelet",
      env: ["KUBECONFIG"],
      flags: ["kubeconfig"],
    }),
  },
  headscale,
  tailscale,
  dataDir: setting(path, "/var/lib/headcni", {
    doc: "directory of the store and of what outlives a reboot",
    env: ["HEADCNI_DATA_DIR"],
    flags: ["data-dir"],
  }),
  runDirectory: setting(path, "/run/headcni", {
    doc: "directory of sockets and locks",
    env: ["HEADCNI_RUN_DIR"],
    flags: ["run-directory"],
  }),
  socket: setting(path, "{runDirectory}/daemon.sock", {
    doc: "the daemon's own socket",
    env: ["HEADCNI_DAEMON_SOCKET"],
    flags: ["socket"],
  }),
  resyncInterval: setting(duration("1s"), "30s", {
    doc: "how often everything is compared with what it should be, events aside",
    env: ["HEADCNI_RESYNC_INTERVAL"],
    flags: ["resync-interval"],
  }),
} satisfies Section;
