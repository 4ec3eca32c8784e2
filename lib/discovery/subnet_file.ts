/** What the node's daemon says about addresses: the subnet file, in either of its forms. */
import type { Environment } from "../cni/environment.ts";
import type { ResultDns, ResultRoute } from "../cni/result.ts";
import type { Prefix } from "../net/prefix.ts";

/** A subnet file, and the variables that overrule it. */
export interface SubnetFile {
  /** Networks of the whole cluster, without host bits and repetitions. */
  readonly networks: readonly Prefix[];
  /** This node's share of them: at most one a family, IPv4 first, without host bits. */
  readonly subnets: readonly Prefix[];
  /** Undefined when the file does not say, or says 0. */
  readonly mtuBytes: number | undefined;
  /** True when the daemon masquerades itself; undefined when the file does not say. */
  readonly ipMasq: boolean | undefined;
  /** `metadata.service_cidr`. */
  readonly serviceCidrs: readonly Prefix[];
  readonly routes: readonly ResultRoute[];
  readonly dns: ResultDns;
}

/** Where a subnet file is looked for when nothing names one, in this order. */
export const DEFAULT_SUBNET_FILES: readonly string[] = [
  "/run/headcni/subnet.env",
  "/run/headcni/env.yaml",
  "/var/lib/headcni/env.yaml",
];

/**
 * Reads a subnet file of either form.
 * @param source undefined when there is none.
 * @param overrides environment of the call, of which the `HEADCNI_*` names are read.
 * @param places that were looked at, for the error text when there is none.
 * @throws ConfigError `no-pod-cidr` with all that is missing or malformed.
 */
export declare function parseSubnetFile(
  source: { readonly path: string; readonly text: string } | undefined,
  overrides: Environment,
  places?: readonly string[],
): SubnetFile;
