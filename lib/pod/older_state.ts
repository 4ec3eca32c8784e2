/** What older plugins left about a container. */
import type { NetworkConfig } from "../cni/request.ts";
import type { Member } from "./members.ts";

/** What could be read. */
export interface OlderState {
  /** In the order of ADD; empty when nothing was left. */
  readonly members: readonly Member[];
  /** Files that nobody can read, as text for the log. */
  readonly faults: readonly string[];
}

/** True for the name of a file of an older plugin about the container. */
export declare function isOlderStateFile(name: string, containerId: string): boolean;

/**
 * Reads what older plugins left.
 * @param files texts by file name.
 */
export declare function parseOlderState(
  files: ReadonlyMap<string, string>,
  config: NetworkConfig,
  containerId: string,
): OlderState;
