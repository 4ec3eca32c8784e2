/** Calls as podman 4.3 and containerd 1.6 sent them; `type` is still that of the plugin they ran. */
import { assertEquals } from "@std/assert";
import { formatPrefix } from "../net/prefix.ts";
import { answerCall } from "./protocol.ts";
import type { Request } from "./request.ts";

interface RuntimeCall {
  readonly name: string;
  readonly env: Record<string, string>;
  readonly stdin: unknown;
}

const CALLS: readonly RuntimeCall[] = JSON.parse(
  Deno.readTextFileSync(new URL("../../tests/fixtures/cni/runtime_calls.json", import.meta.url)),
);

const CONTAINERD_POD = {
  namespace: "default",
  name: "pod-a",
  uid: "11111111-2222-3333-4444-555555555555",
};

/** What must have been understood of each call: verb, pod, and what else is special about it. */
const UNDERSTOOD: Readonly<Record<string, unknown>> = {
  "podman VERSION": undefined,
  "podman ADD with an address and a MAC": {
    verb: "ADD",
    pod: { name: "unruffled_tu" },
    asked: ["10.90.0.77", "02:00:00:00:00:77"],
    runtimeConfig: {},
    previous: undefined,
  },
  "podman ADD with a port": {
    verb: "ADD",
    pod: { name: "nervous_gould" },
    asked: [undefined, undefined],
    runtimeConfig: { portMappings: [{ hostPort: 8088, containerPort: 80, protocol: "tcp" }] },
    previous: ["10.90.0.7/24"],
  },
  "containerd ADD with a port": {
    verb: "ADD",
    pod: CONTAINERD_POD,
    asked: [undefined, undefined],
    runtimeConfig: {
      portMappings: [{ hostPort: 8085, containerPort: 80, protocol: "tcp", hostIP: "" }],
    },
    previous: ["10.91.0.2/24"],
  },
  "containerd ADD with rates": {
    verb: "ADD",
    pod: CONTAINERD_POD,
    asked: [undefined, undefined],
    runtimeConfig: {
      bandwidth: {
        ingressRate: 100000000,
        ingressBurst: 4294967295,
        egressRate: 50000000,
        egressBurst: 4294967295,
      },
    },
    previous: ["10.91.0.2/24"],
  },
  "containerd ADD with annotations": {
    verb: "ADD",
    pod: CONTAINERD_POD,
    asked: [undefined, undefined],
    runtimeConfig: {
      "io.kubernetes.cri.pod-annotations": {
        "example.test/x": "y",
        "kubernetes.io/egress-bandwidth": "50M",
        "kubernetes.io/ingress-bandwidth": "100M",
      },
    },
    previous: ["10.91.0.2/24"],
  },
  "containerd DEL without a namespace": {
    verb: "DEL",
    pod: CONTAINERD_POD,
    asked: [undefined, undefined],
    runtimeConfig: {},
    previous: undefined,
  },
  "containerd ADD of lo": {
    verb: "ADD",
    pod: CONTAINERD_POD,
    asked: [undefined, undefined],
    runtimeConfig: {},
    previous: undefined,
  },
};

for (const { name, env, stdin } of CALLS) {
  Deno.test(`answerCall: understands ${name}`, async () => {
    const bytes = new TextEncoder().encode(JSON.stringify(stdin));
    let seen: Request | undefined;
    const record = (request: Request) => Promise.resolve(void (seen = request));
    const result = { interfaces: [], ips: [], routes: [], dns: {} };
    const answer = await answerCall(
      { env, readStdin: () => bytes, peekStdin: () => Promise.resolve(bytes) },
      {
        ADD: (request) => record(request).then(() => result),
        DEL: record,
        CHECK: record,
        GC: record,
        STATUS: record,
      },
    );
    assertEquals(answer.exitCode, 0, answer.stdout);
    assertEquals(seen && summarize(seen), UNDERSTOOD[name]);
  });
}

function summarize({ verb, pod, args, config }: Request): unknown {
  return {
    verb,
    pod,
    asked: [args.get("IP"), args.get("MAC")],
    runtimeConfig: config.runtimeConfig,
    previous: config.prevResult?.ips.map(({ address }) => formatPrefix(address)),
  };
}
