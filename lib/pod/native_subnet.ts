/** A configuration that gives no range, completed by the subnet file. */
import type { NetworkConfig } from "../cni/request.ts";
import type { SubnetFile } from "../discovery/subnet_file.ts";

/** True when a native configuration names no range of addresses where it could. */
export declare function lacksRange(config: NetworkConfig): boolean;

/** The configuration with what the subnet file says and it does not. */
export declare function withSubnet(config: NetworkConfig, subnet: SubnetFile): NetworkConfig;
