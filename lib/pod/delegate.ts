/** The configuration that a delegate gets. */
import type { NetworkConfig } from "../cni/request.ts";
import type { SubnetFile } from "../discovery/subnet_file.ts";

/**
 * The configuration of the delegate, without `prevResult`.
 * @throws ConfigError `invalid-config` with everything that is wrong with `delegate`.
 */
export declare function renderDelegate(
  config: NetworkConfig,
  delegate: unknown,
  subnet: SubnetFile,
): Record<string, unknown>;
