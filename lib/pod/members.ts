/** The plugins that one configuration of ours runs. */
import type { NetworkConfig } from "../cni/request.ts";
import type { SubnetFile } from "../discovery/subnet_file.ts";

/** One plugin of a chain, with the configuration that it gets; `prevResult` is added by the caller. */
export type Member =
  | { readonly kind: "native"; readonly config: Readonly<Record<string, unknown>> }
  | {
    readonly kind: "plugin";
    readonly type: string;
    readonly config: Readonly<Record<string, unknown>>;
  };

/** True when a configuration leaves the work to other plugins: it has `delegate` or `plugins`. */
export declare function hasMembers(raw: Readonly<Record<string, unknown>>): boolean;

/** True when the members of a configuration cannot be planned without a subnet file. */
export declare function needsSubnet(raw: Readonly<Record<string, unknown>>): boolean;

/**
 * The members in the order of ADD.
 * @throws ConfigError `invalid-config` with every fault and its index.
 */
export declare function planMembers(
  config: NetworkConfig,
  subnet: SubnetFile | undefined,
): Member[];
