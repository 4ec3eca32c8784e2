/**
 * The node daemon. It is not part of this release: no PodCIDR, conflist, tailnet or repair yet.
 */
import { VERSION } from "../../lib/version.ts";

/**
 * Says that there is no daemon yet.
 * @returns the exit code: 0 for `--help`, 1 otherwise.
 */
export function main(args: readonly string[]): Promise<number> {
  const text = `headcni ${VERSION}: the node daemon is not part of this release`;
  if (args.includes("--help") || args.includes("-h")) {
    console.log(text);
    return Promise.resolve(0);
  }
  console.error(text);
  return Promise.resolve(1);
}
