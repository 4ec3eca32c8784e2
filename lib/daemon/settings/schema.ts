/**
 * Every setting of the daemon: types, defaults, documentation, help and errors come from here.
 * What the older system had and nobody reads any more is in `retired.ts`.
 */
import { LOG_FORMATS, LOG_LEVELS, LOG_OUTPUTS } from "../../log.ts";
import { boolean, choice, duration, integer, line, list, text } from "./kind.ts";
import { days, megabytes } from "./log_kinds.ts";
import { cni, network } from "./network_schema.ts";
import { address, chainedPlugins, nodeName, path } from "./node_kinds.ts";
import { optional, type Section, setting } from "./setting.ts";
import { headscale, tailscale } from "./tailnet_schema.ts";

const domain = text(
  "NAME",
  "a DNS name",
  /^(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9])?$/,
);
const urlPath = text("PATH", "a path of a URL that begins with /", /^\/[A-Za-z0-9_.~\/-]{0,255}$/);

const logging = {
  level: setting(choice(LOG_LEVELS, { warning: "warn" }), "info", {
    doc: "lowest level that is logged",
    env: ["HEADCNI_LOG_LEVEL", "LOG_LEVEL"],
    flags: ["log-level"],
    aliases: ["daemon.logLevel"],
  }),
  format: setting(choice(LOG_FORMATS, { console: "text" }), "json", {
    doc: "one JSON object a line, or text for people",
    env: ["LOG_FORMAT"],
    flags: ["log-format"],
  }),
  output: setting(
    choice(LOG_OUTPUTS, { file: "none", both: "stdout" }),
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
    maxSize: setting(megabytes, "10MB", {
      doc: "size at which the file is put aside, as `path.1`; a number is of MB",
      flags: ["log-file-max-size"],
    }),
    maxBackups: setting(integer("N", "a whole number", 0, 1_000), "3", {
      doc: "how many files that were put aside stay, 0 for all",
      flags: ["log-file-max-backups"],
    }),
    maxAge: setting(days, "0", {
      doc:
        "those that were last written to longer ago go when the next is put aside; a number is of days, 0 for never",
      flags: ["log-file-max-age"],
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
      options: setting(list(line, "options of resolv.conf"), "ndots:5,timeout:2", {
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
