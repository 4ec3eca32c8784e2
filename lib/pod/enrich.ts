/** What the subnet file adds to the result of other plugins. */
import type { Result } from "../cni/result.ts";
import type { SubnetFile } from "../discovery/subnet_file.ts";

/** The result with routes to the cluster's networks, and the file's `dns` where it has none. */
export declare function enrichResult(result: Result, subnet: SubnetFile | undefined): Result;
