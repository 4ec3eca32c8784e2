/** Looks at the packet filter of the node. */
import { LegacyForward } from "../../delegate/legacy_forward.ts";
import type { FirewallSight } from "../../doctor/sight.ts";
import { errorText } from "../../errors.ts";
import { KeeperSight } from "../../linux/keeper_sight.ts";
import { networksToTell } from "../../nft/firewalld.ts";
import { wantedMasquerade } from "../wanted_masquerade.ts";
import { findTailnet, planTurn } from "./look_at_kernel.ts";
import type { Scene } from "./scene.ts";

/** Tables of ip_tables that are in use, by family; reading makes none, and is for root alone. */
const TABLE_LISTS = ["/proc/self/net/ip_tables_names", "/proc/self/net/ip6_tables_names"];

/**
 * What the daemon would do to it.
 * @throws KernelError "firewall-failure" when we may not look; HeadcniError when no network is known.
 */
export async function lookAtFirewall(scene: Scene): Promise<FirewallSight> {
  using keeper = new KeeperSight();
  const foreignChains = keeper.listForeignChains(); // the first: who may not look learns it here
  using host = scene.options.attach.node.openHost();
  const { want, plan: { pods, local, unread }, unread: closed } = await planTurn(scene, host);
  const device = findTailnet(scene);
  const isKnown = unread.length + closed.length === 0;
  const legacy = await new LegacyForward().plan(local).then(
    (lines) => ({ lines, trouble: "" }),
    (error) => ({ lines: [], trouble: errorText(error) }),
  );
  return {
    masquerade: isKnown ? keeper.planMasquerade(wantedMasquerade(want, pods)) : undefined,
    isMasqueraded: want.ipMasq,
    forward: [...keeper.planForwardAccept(local), ...legacy.lines],
    forwardTrouble: legacy.trouble,
    unknownToFirewalld: keeper.findUnknownToFirewalld(
      networksToTell(local, want.clusterCidrs),
      want.bridge,
    ),
    mss: keeper.planMssClamp({ podCidrs: local, device }),
    tailnetDevice: device?.name,
    foreignChains,
    legacyTables: [...new Set(TABLE_LISTS.flatMap(readLines))],
  };
}

function readLines(path: string): string[] {
  try {
    return Deno.readTextFileSync(path).split("\n").filter((line) => line !== "");
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return []; // the kernel has no ip_tables
    throw error;
  }
}
