/** The recorded sessions of `tests/fixtures/captures/`; its README tells the fields. */

/** One call of a plugin. */
export interface CapturedCall {
  readonly plugin: string;
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: CapturedConfig;
  readonly stdout: CapturedResult | null;
  readonly rc: number;
}

/** What it was told. */
export interface CapturedConfig {
  readonly name: string;
  readonly ipam?: Readonly<Record<string, unknown>>;
  readonly prevResult?: unknown;
  /** What the runtime sent with the capabilities of the plugin. */
  readonly runtimeConfig?: {
    readonly portMappings?: readonly Readonly<Record<string, unknown>>[];
    readonly bandwidth?: unknown;
  };
}

/** What it printed. */
export interface CapturedResult {
  readonly cniVersion: string;
  /** Of VERSION. */
  readonly supportedVersions?: readonly string[];
  readonly interfaces?: readonly CapturedInterface[];
  readonly ips?: readonly CapturedIp[];
  readonly routes?: readonly { readonly dst: string }[];
  readonly dns?: Readonly<Record<string, unknown>>;
}

/** An address of the pod. */
export interface CapturedIp {
  readonly version?: string;
  readonly address: string;
  readonly gateway?: string;
}

/** An interface of host or pod. */
export interface CapturedInterface {
  readonly name: string;
  readonly mac?: string;
  readonly sandbox?: string;
}

/** Reads the calls of a session in their order. */
export async function readCapture(session: string): Promise<CapturedCall[]> {
  const file = new URL(`../fixtures/captures/${session}.jsonl`, import.meta.url);
  const lines = (await Deno.readTextFile(file)).trim().split("\n");
  return lines.map((line) => JSON.parse(line));
}

/** The container and interface that a call is about. */
export function attachmentOf({ env }: CapturedCall): string {
  return `${env.CNI_CONTAINERID} ${env.CNI_IFNAME}`;
}

/** A call in the words of an error message. */
export function describeCall(call: CapturedCall): string {
  return `${call.env.CNI_COMMAND} of ${call.plugin} for ${attachmentOf(call)}`;
}

/** Ports of the node and of the pod; containerd writes the names of fields with capital letters. */
export function hostPortsOf({ runtimeConfig }: CapturedConfig): [unknown, unknown][] {
  return (runtimeConfig?.portMappings ?? []).map((mapping) => [
    mapping.hostPort ?? mapping.HostPort,
    mapping.containerPort ?? mapping.ContainerPort,
  ]);
}
