/** The chart as real Helm renders it, and its settings as the daemon reads them. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { parse as parseYaml } from "yaml";
import { readFlags } from "../../lib/daemon/settings/read_flags.ts";
import { type Resolution, resolveSettings } from "../../lib/daemon/settings/resolve.ts";
import { formatFault } from "../../lib/daemon/settings/given.ts";
import { tailscaledArguments, tailscaledEnvironment } from "../../lib/tailscale/own_unit.ts";
import {
  CHART,
  findObject,
  helmTest,
  type KubeObject,
  podSpecOf,
  render,
  runHelm,
  tryRender,
} from "./helm.ts";

const DAEMON_FIXTURES = new URL("../fixtures/daemon/", import.meta.url);

/** What Helm users had, in the shape of the older chart's own values. */
const OLDER_VALUES = new URL("older-chart-values.yaml", DAEMON_FIXTURES);

const API_KEY = "hs-api-key-7f3a";
const AUTH_KEY = "ts-auth-key-91bc";
const KEYS = {
  config: { headscale: { authKey: API_KEY }, tailscale: { authKey: AUTH_KEY } },
};

/** Texts that a shell, YAML, a template or Kubernetes itself would take for something else. */
const HOSTILE = [
  "{{ .Release.Name }}",
  "a: b # c",
  "- x",
  "'\"`$(id)${HOME}$(NODE_NAME)",
  "yes",
  "0755",
  "1e3",
  "null",
  "!!binary x",
  "%YAML",
  "two\nlines",
  "\ttab",
  "\u00e9 \u4e2d \u{1F980}",
];

helmTest("lint --strict", async () => {
  const { code, stdout } = await runHelm(["lint", "--strict", CHART]);
  assertEquals(code, 0, stdout);
});

helmTest("defaults: a node is updated after the other, and only liveness restarts it", async () => {
  const objects = await render();
  assertEquals(objects.map(({ kind }) => kind).toSorted(), [
    "ClusterRole",
    "ClusterRoleBinding",
    "ConfigMap",
    "DaemonSet",
    "Pod",
    "ServiceAccount",
  ]);
  const { spec } = findObject(objects, "DaemonSet");
  assertEquals(spec.updateStrategy, {
    type: "RollingUpdate",
    rollingUpdate: { maxUnavailable: 1 },
  });
  const [daemon] = spec.template.spec.containers;
  const probe = { port: "metrics", host: "127.0.0.1" };
  assertEquals(daemon.startupProbe?.httpGet, { path: "/livez", ...probe });
  assertEquals(daemon.livenessProbe?.httpGet, { path: "/livez", ...probe });
  assertEquals(daemon.readinessProbe?.httpGet, { path: "/readyz", ...probe });
  assertEquals(daemon.securityContext.privileged, false);
  assertEquals(daemon.securityContext.readOnlyRootFilesystem, true);
  const propagated = daemon.volumeMounts.filter((mount) =>
    mount.mountPropagation === "HostToContainer"
  );
  assert(propagated.some(({ mountPath }) => mountPath === "/var/run/netns"));
});

for (const [name, text] of await settingsExamples()) {
  helmTest(`settings: those of ${name} are what the daemon accepts`, async () => {
    const { settings, faults } = accept(await render({ values: text }));
    assertEquals(faults.map(formatFault), []);
    assert(settings);
  });
}

helmTest(
  "settings: the defaults of the chart are those of the program, but for where the log goes",
  async () => {
    const { origins, settings } = accept(await render());
    const { settings: plain } = resolve("");
    assert(plain);
    const { logging, ...others } = plain;
    const file = { ...logging.file, path: "/var/log/headcni/daemon.log" };
    assertEquals(settings, { ...others, logging: { ...logging, output: "stdout", file } });
    assertEquals(origins.get("cni.confDir")?.from, "file"); // or the daemon would look for others
  },
);

helmTest("settings: hostile texts come out as they went in", async () => {
  for (const text of HOSTILE) {
    const values = {
      config: { tailscale: { user: text, tags: [text] }, node: { name: text } },
      cniPlugins: [{ name: "x", enabled: true, priority: 1, config: text }],
      podAnnotations: { note: text },
      extraEnv: [{ name: "TEXT", value: text }],
      priorityClassName: text,
      nodeSelector: { zone: text },
    };
    const objects = await render({ values });
    const settings = parseYaml(daemonYaml(objects));
    assertEquals(settings.tailscale, { mode: "host", user: text, tags: [text] });
    assertEquals(settings.node, { name: text });
    assertEquals(settings.cniPlugins, values.cniPlugins);
    const { metadata, spec } = findObject(objects, "DaemonSet").spec.template;
    assertEquals(metadata.annotations.note, text);
    assertEquals(spec.priorityClassName, text);
    assertEquals(spec.nodeSelector.zone, text);
    assertEquals(spec.containers[0].env?.at(-1), { name: "TEXT", value: text });
  }
});

helmTest("values: what is off is off", async () => {
  const off = {
    config: {
      cni: { exclusive: false },
      monitoring: { enabled: false },
      network: { enableIPv6: false, ipMasq: false, enableNetworkPolicy: false },
      dns: { magicDNS: { enabled: false } },
      logging: { file: { enabled: false, path: "/var/log/headcni/daemon.log" } },
      tailscale: { mode: "off" },
    },
    serviceAccount: { create: false },
    rbac: { create: false },
    tests: { enabled: false },
    tolerations: [],
    nodeFiles: [],
    appArmor: "",
  };
  const objects = await render({ values: off });
  assertEquals(objects.map(({ kind }) => kind).toSorted(), ["ConfigMap", "DaemonSet"]);
  const { settings } = accept(objects);
  assertEquals(settings?.cni.exclusive, false);
  assertEquals(settings?.monitoring.enabled, false);
  assertEquals(settings?.network.enableIPv6, false);
  assertEquals(settings?.network.ipMasq, false);
  const spec = podSpecOf(findObject(objects, "DaemonSet"));
  assertEquals(spec.serviceAccountName, "default");
  assertEquals(spec.tolerations, undefined);
  const [daemon] = spec.containers;
  assertEquals(
    [daemon.startupProbe, daemon.livenessProbe, daemon.readinessProbe, daemon.ports],
    [undefined, undefined, undefined, undefined],
  );
  assertEquals(daemon.securityContext.appArmorProfile, undefined);
  const mounts = daemon.volumeMounts.map(({ name }) => name);
  assertEquals(
    mounts.filter((name) => /^(tailscale|log|node-files)/.test(name)),
    [],
  );
});

helmTest("values: off without quotes, which YAML reads as false, is off", async () => {
  const values = "config: { tailscale: { mode: off }, kube: { access: off } }";
  const { settings } = accept(await render({ values }));
  assertEquals([settings?.tailscale.mode, settings?.kube.access], ["off", "off"]);
});

helmTest("values: an account of the user's is honoured", async () => {
  const objects = await render({ values: { serviceAccount: { create: false, name: "mine" } } });
  assertEquals(podSpecOf(findObject(objects, "DaemonSet")).serviceAccountName, "mine");
  assertEquals(findObject(objects, "ClusterRoleBinding").subjects, [
    { kind: "ServiceAccount", name: "mine", namespace: "kube-system" },
  ]);
});

helmTest("values: a misspelt one is refused with its name", async () => {
  const rows: readonly [values: unknown, text: string][] = [
    [{ serviceAcount: {} }, "serviceAcount"],
    [{ image: { repo: "x" } }, "repo"],
    [{ config: { network: { podCidr: "10.0.0.0/16" } } }, "podCidr"],
    [{ config: { tailscale: { mode: "hots" } } }, "mode"],
    [{ config: { monitoring: { enabled: "false" } } }, "enabled"],
    [{ config: { monitoring: { port: "9001" } } }, "port"],
    [{ config: { cni: { confDir: "etc/cni" } } }, "confDir"],
    [{ secret: { existingName: "Not A Name" } }, "existingName"],
    [{ metrics: { service: { enable: true } } }, "enable"],
    [{ nodeFiles: ["etc"] }, "nodeFiles"],
  ];
  for (const [values, text] of rows) {
    const { code, stderr } = await tryRender({ values });
    assertEquals(code, 1, text);
    assertStringIncludes(stderr, "values don't meet the specifications of the schema");
    assertStringIncludes(stderr, text);
  }
});

helmTest("values: two that contradict each other are refused with the way out", async () => {
  const rows: readonly [values: unknown, text: string][] = [
    [{ ...KEYS, secret: { existingName: "mine", headscaleKey: "k" } }, "give the keys in that"],
    [{ secret: { existingName: "mine" } }, "name the keys in it by secret.headscaleKey"],
    [{ secret: { tailscaleKey: "k" } }, "secret.existingName, which is not set"],
    [{ cniPlugins: [{}], config: { cniPlugins: [{}] } }, "they are the same setting"],
    [
      { metrics: { service: { enabled: true } }, config: { monitoring: { enabled: false } } },
      "config.monitoring.enabled is off",
    ],
    [{ metrics: { serviceMonitor: { enabled: true } } }, "metrics.service.enabled, which is off"],
  ];
  for (const [values, text] of rows) {
    const { code, stderr } = await tryRender({ values });
    assertEquals(code, 1, text);
    assertStringIncludes(stderr, text);
  }
});

helmTest("keys: those of the values are in a Secret and nowhere else", async () => {
  const objects = await render({ values: KEYS });
  const secret = findObject(objects, "Secret", "headcni-auth");
  assertEquals(secret.data, { "auth-key": btoa(API_KEY), "tailscale-auth-key": btoa(AUTH_KEY) });
  const others = JSON.stringify(objects.filter((object) => object !== secret));
  for (const key of [API_KEY, AUTH_KEY]) {
    assert(!others.includes(key) && !others.includes(btoa(key)));
  }
  const { settings } = accept(objects);
  assertEquals(settings?.headscale.authKey?.file, "/etc/headcni-secret/auth-key");
  assertEquals(settings?.tailscale.authKey?.file, "/etc/headcni-secret/tailscale-auth-key");
  assertEquals(keyVolume(objects), { secretName: "headcni-auth", defaultMode: 0o400 });
});

helmTest(
  "keys: a Secret of the user's is mounted, and the settings name what is in it",
  async () => {
    const values = { secret: { existingName: "mine", tailscaleKey: "join.key" } };
    const objects = await render({ values });
    assertEquals(objects.filter(({ kind }) => kind === "Secret"), []);
    const { settings } = accept(objects);
    assertEquals(settings?.headscale.authKey, undefined);
    assertEquals(settings?.tailscale.authKey?.file, "/etc/headcni-secret/join.key");
    assertEquals(keyVolume(objects), { secretName: "mine", defaultMode: 0o400 });
  },
);

helmTest(
  "tailscaled: run as the daemon's own unit would run it, and cut by no rollout",
  async () => {
    const rows = [
      [{ mode: "own" }, {}],
      [{ mode: "own", socket: "/run/tailscale/tailscaled.sock" }, {}],
      [
        { mode: "daemon", interfaceName: "tail7", port: 0, mtu: 1400, socket: { name: "t.sock" } },
        { runDirectory: "/run/own", dataDir: "/srv/own", headscale: { caFile: "/etc/ca.pem" } },
      ],
    ] as const;
    for (const [tailscale, others] of rows) {
      const objects = await render({ values: { config: { tailscale, ...others } } });
      const { settings } = accept(objects);
      assert(settings);
      const { spec } = findObject(objects, "DaemonSet", "headcni-tailscaled");
      const [container] = spec.template.spec.containers;
      const own = {
        binary: "tailscaled",
        socket: `${settings.runDirectory}/${settings.tailscale.socket.name}`,
        stateDirectory: `${settings.dataDir}/tailscale`,
        interfaceName: settings.tailscale.interfaceName,
        port: settings.tailscale.port,
        mtuBytes: settings.tailscale.mtu,
        caFile: settings.headscale.caFile,
      };
      assertEquals([...container.command ?? [], ...container.args], [
        own.binary,
        ...tailscaledArguments(own),
      ]);
      assertEquals(
        container.env?.map(({ name, value }) => [name, value]),
        Object.entries(tailscaledEnvironment(own)),
      );
      const mounted = container.volumeMounts.map(({ mountPath }) => mountPath);
      assert(mounted.includes(settings.runDirectory) && mounted.includes(own.stateDirectory));
      assertEquals(spec.updateStrategy, { type: "OnDelete" });
    }
    const { spec } = findObject(
      await render({ values: { config: { tailscale: { mode: "own" } } } }),
      "DaemonSet",
      "headcni",
    );
    assert(!spec.template.spec.volumes.some(({ name }) => name === "tailscale"));
  },
);

helmTest(
  "tailscaled: the folder of the node's own is mounted, by either name of the setting",
  async () => {
    const path = "/run/other/t.sock";
    for (const socket of [path, { path }]) {
      const objects = await render({ values: { config: { tailscale: { socket } } } });
      assertEquals(accept(objects).settings?.tailscale.socket.path, path);
      const { volumes } = podSpecOf(findObject(objects, "DaemonSet"));
      const volume = volumes.find(({ name }) => name === "tailscale");
      assertEquals(volume?.hostPath?.path, "/run/other");
    }
  },
);

helmTest("metrics: the Service reads nodes that are not ready, at their own address", async () => {
  const values = {
    config: { monitoring: { port: 9100 } },
    metrics: { service: { enabled: true }, serviceMonitor: { enabled: true } },
  };
  const objects = await render({ values });
  const service = findObject(objects, "Service");
  assertEquals(service.spec.publishNotReadyAddresses, true);
  assertEquals(service.spec.ports, [{ name: "metrics", port: 9100, targetPort: "metrics" }]);
  const [daemon] = podSpecOf(findObject(objects, "DaemonSet")).containers;
  assertEquals(daemon.livenessProbe?.httpGet, { path: "/livez", port: "metrics" });
  assertEquals(
    daemon.env?.find(({ name }) => name === "METRICS_ADDRESS")?.valueFrom,
    { fieldRef: { fieldPath: "status.hostIP" } },
  );
  const monitor = findObject(objects, "ServiceMonitor");
  assertEquals(monitor.spec.endpoints[0]?.port, "metrics");
  assertEquals(monitor.spec.selector.matchLabels, service.spec.selector);
});

helmTest("images: tag, digest, and a repository that has its tag", async () => {
  const digest = `sha256:${"a1".repeat(32)}`;
  const rows: readonly [image: unknown, wanted: string][] = [
    [{}, "localhost/headcni:0.1.0"],
    [{ tag: "main" }, "localhost/headcni:main"],
    [{ repository: "r.example.com:5000/headcni" }, "r.example.com:5000/headcni:0.1.0"],
    [{ repository: "binrc/headcni:latest" }, "binrc/headcni:latest"],
    [{ repository: "r.example.com:5000/h:v1", digest }, `r.example.com:5000/h@${digest}`],
  ];
  for (const [image, wanted] of rows) {
    const spec = podSpecOf(findObject(await render({ values: { image } }), "DaemonSet"));
    assertEquals([spec.initContainers[0].image, spec.containers[0].image], [wanted, wanted]);
  }
});

helmTest("privileged: what the API server refuses beside it is left out", async () => {
  const objects = await render({ values: { securityContext: { privileged: true } } });
  const [daemon] = podSpecOf(findObject(objects, "DaemonSet")).containers;
  assertEquals(daemon.securityContext.privileged, true);
  assertEquals("allowPrivilegeEscalation" in daemon.securityContext, false);
});

helmTest("names: long, strange and repeated ones fit Kubernetes", async () => {
  for (const release of ["headcni", "my-headcni", "x".repeat(53)]) {
    const objects = await render({ release, values: { config: { tailscale: { mode: "own" } } } });
    for (const { metadata: { name } } of objects) {
      assert(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name) && name.length <= 63, name);
    }
  }
});

helmTest("checksum: a pod is made anew for other settings, and for no other value", async () => {
  const checksum = async (values: unknown) =>
    findObject(await render({ values }), "DaemonSet").spec.template.metadata
      .annotations["checksum/config"];
  const plain = await checksum({});
  assertEquals(await checksum({ podLabels: { a: "b" } }), plain);
  assert(await checksum({ config: { network: { mtu: 1400 } } }) !== plain);
});

/** The text of daemon.yaml. */
function daemonYaml(objects: readonly KubeObject[]): string {
  return findObject(objects, "ConfigMap", "headcni-config").data?.["daemon.yaml"] ?? "";
}

/** The settings as the daemon takes them: nobody is to read keys in a ConfigMap. */
function accept(objects: readonly KubeObject[]): Resolution {
  return resolve(daemonYaml(objects));
}

function resolve(text: string): Resolution {
  const file = { path: "/etc/headcni/daemon.yaml", text, isPrivate: false };
  return resolveSettings({ flags: readFlags([]), env: {}, file, hostname: "node1" });
}

function keyVolume(objects: readonly KubeObject[]): unknown {
  return podSpecOf(findObject(objects, "DaemonSet")).volumes
    .find(({ name }) => name === "secret")?.secret;
}

/** Values that users have, by what they are of. */
async function settingsExamples(): Promise<[name: string, text: string][]> {
  const files = [new URL("helm-values.yaml", DAEMON_FIXTURES), OLDER_VALUES];
  return await Promise.all(files.map(async (file): Promise<[string, string]> => [
    file.pathname.split("/").at(-1) ?? "",
    await Deno.readTextFile(file),
  ]));
}
