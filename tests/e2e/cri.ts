/** A small client of the Container Runtime Interface, in the place of the kubelet. */
// @ts-types="./grpc.d.ts"
import * as grpc from "@grpc/grpc-js";
// @ts-types="./grpc.d.ts"
import { loadSync, type PackageDefinition } from "@grpc/proto-loader";
import { fromFileUrl } from "@std/path";
import * as v from "valibot";

const PROTO = fromFileUrl(new URL("cri.proto", import.meta.url));
const SERVICE = "runtime.v1.RuntimeService";

/** Longer than any answer takes; a test that shall see a deadline names its own. */
const DEADLINE_MS = 60_000;

/** The library would wait for a second between attempts to connect to a socket that is not there. */
const RECONNECT_MS = 50;

const SandboxId = v.object({ pod_sandbox_id: v.string() });
const ContainerId = v.object({ container_id: v.string() });
const StatusResponse = v.object({
  status: v.object({
    conditions: v.array(v.object({ type: v.string(), status: v.boolean(), message: v.string() })),
  }),
});
const SandboxList = v.object({ items: v.array(v.object({ id: v.string() })) });
const PodIp = v.object({ ip: v.string() });
const SandboxStatus = v.object({
  status: v.object({ network: v.object({ ip: v.string(), additional_ips: v.array(PodIp) }) }),
  info: v.object({ info: v.pipe(v.string(), v.parseJson(), v.object({ pid: v.number() })) }),
});
const ExecResponse = v.object({
  stdout: v.instance(Uint8Array),
  stderr: v.instance(Uint8Array),
  exit_code: v.number(),
});

/** A port of the node that leads to one of a pod. */
export interface HostPort {
  readonly hostPort: number;
  readonly containerPort: number;
}

/** A pod to be run. */
export interface PodRequest {
  readonly name: string;
  /** Parent of its groups of processes. */
  readonly cgroup: string;
  /** Runtime handler; empty for the default one. */
  readonly handler: string;
  readonly ports?: readonly HostPort[];
  /** As the kubelet hands them on, by key. */
  readonly annotations?: Readonly<Record<string, string>>;
}

/** What is known of a pod that runs. */
export interface PodState {
  /** Addresses, the main one first. */
  readonly ips: readonly string[];
  /** Process id of its first container, in the namespace of the runtime. */
  readonly pid: number;
}

/** The client; errors are those of gRPC, with its codes. */
export class Cri implements Disposable {
  readonly #client: grpc.Client;
  readonly #methods: grpc.ServiceDefinition;

  /** @param socket path that the runtime listens at, now or later. */
  constructor(socket: string) {
    this.#client = new grpc.Client(`unix:${socket}`, grpc.credentials.createInsecure(), {
      "grpc.default_authority": "localhost",
      "grpc.initial_reconnect_backoff_ms": RECONNECT_MS,
      "grpc.min_reconnect_backoff_ms": RECONNECT_MS,
      "grpc.max_reconnect_backoff_ms": RECONNECT_MS,
    });
    this.#methods = serviceOf(loadSync(PROTO, { keepCase: true, defaults: true, longs: Number }));
  }

  /** Resolves when somebody listens at the socket. */
  connected(): Promise<void> {
    return new Promise((resolve, reject) =>
      this.#client.waitForReady(
        Date.now() + DEADLINE_MS,
        (error) => error ? reject(error) : resolve(),
      )
    );
  }

  /** Whether pods can get a network; empty when they can, else why not. */
  async networkFault(): Promise<string> {
    const { status } = v.parse(StatusResponse, await this.#call("Status", {}));
    const network = status.conditions.find(({ type }) => type === "NetworkReady");
    return network?.status ? "" : network?.message ?? "no network";
  }

  /** Starts a pod; answers its id. */
  async runPod(pod: PodRequest, deadlineMs = DEADLINE_MS): Promise<string> {
    const request = { config: sandboxConfig(pod), runtime_handler: pod.handler };
    const answer = await this.#call("RunPodSandbox", request, deadlineMs);
    return v.parse(SandboxId, answer).pod_sandbox_id;
  }

  /** Ends a pod's containers and takes its network away. */
  async stopPod(id: string): Promise<void> {
    await this.#call("StopPodSandbox", { pod_sandbox_id: id });
  }

  /** Forgets a pod. */
  async removePod(id: string): Promise<void> {
    await this.#call("RemovePodSandbox", { pod_sandbox_id: id });
  }

  /** Ids of all pods. */
  async listPods(): Promise<string[]> {
    const { items } = v.parse(SandboxList, await this.#call("ListPodSandbox", {}));
    return items.map(({ id }) => id);
  }

  async podState(id: string): Promise<PodState> {
    const request = { pod_sandbox_id: id, verbose: true };
    const answer = await this.#call("PodSandboxStatus", request);
    const { status: { network }, info } = v.parse(SandboxStatus, answer);
    return { ips: [network, ...network.additional_ips].map(({ ip }) => ip), pid: info.info.pid };
  }

  /** Starts a container in a pod; answers its id. */
  async startContainer(
    podId: string,
    pod: PodRequest,
    image: string,
    command: readonly string[],
  ): Promise<string> {
    const answer = await this.#call("CreateContainer", {
      pod_sandbox_id: podId,
      config: { metadata: { name: "main" }, image: { image }, command },
      sandbox_config: sandboxConfig(pod),
    });
    const started = v.parse(ContainerId, answer);
    await this.#call("StartContainer", started);
    return started.container_id;
  }

  /**
   * Runs a command in a container and answers what it prints.
   * @throws Error with what it printed when it fails.
   */
  async exec(containerId: string, ...cmd: readonly string[]): Promise<string> {
    const request = { container_id: containerId, cmd, timeout: 10 };
    const answer = v.parse(ExecResponse, await this.#call("ExecSync", request));
    const [stdout, stderr] = [answer.stdout, answer.stderr].map((bytes) =>
      new TextDecoder().decode(bytes)
    );
    if (answer.exit_code === 0) return stdout ?? "";
    throw new Error(`Cannot run "${cmd.join(" ")}": exit ${answer.exit_code}: ${stdout}${stderr}`);
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }

  #call(name: string, request: object, deadlineMs = DEADLINE_MS): Promise<unknown> {
    const method = this.#methods[name];
    if (!method) throw new Error(`Cannot call "${name}": cri.proto has no such method`);
    const { path, requestSerialize, responseDeserialize } = method;
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        new grpc.Metadata(),
        { deadline: Date.now() + deadlineMs },
        (error, answer) => error ? reject(error) : resolve(answer),
      );
    });
  }
}

/** True for the error of a call that was not answered in time. */
export function isDeadline(error: unknown): boolean {
  return codeOf(error) === grpc.status.DEADLINE_EXCEEDED;
}

/** True for the error of a call that came while the runtime was still starting. */
export function isStarting(error: unknown): boolean {
  return codeOf(error) === grpc.status.UNAVAILABLE ||
    error instanceof Error && error.message.includes("server is not initialized yet");
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

function sandboxConfig({ name, cgroup, ports = [], annotations = {} }: PodRequest): object {
  return {
    metadata: { name, uid: `uid-of-${name}`, namespace: "tests" },
    port_mappings: ports.map(({ hostPort, containerPort }) => {
      return { protocol: "TCP", host_port: hostPort, container_port: containerPort };
    }),
    annotations,
    linux: { cgroup_parent: cgroup },
  };
}

function serviceOf(definitions: PackageDefinition): grpc.ServiceDefinition {
  const service = definitions[SERVICE];
  if (service && !("format" in service)) return service;
  throw new Error(`Cannot find "${SERVICE}" in cri.proto`);
}
