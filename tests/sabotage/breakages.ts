import { ADMIN_BREAKAGES } from "./admin_breakages.ts";
import { ATTACH_BREAKAGES } from "./attach_breakages.ts";
import { BANDWIDTH_BREAKAGES } from "./bandwidth_breakages.ts";
import { CHART_BREAKAGES } from "./chart_breakages.ts";
import { CLUSTER_BREAKAGES } from "./cluster_breakages.ts";
import { CONFLIST_BREAKAGES } from "./conflist_breakages.ts";
import { DAEMON_BREAKAGES } from "./daemon_breakages.ts";
import { DOCTOR_BREAKAGES } from "./doctor_breakages.ts";
import { HEADSCALE_BREAKAGES } from "./headscale_breakages.ts";
import { HOST_PORT_BREAKAGES } from "./host_port_breakages.ts";
import { DAEMON_MESH_BREAKAGES } from "./daemon_mesh_breakages.ts";
import { INSTALL_BREAKAGES } from "./install_breakages.ts";
import { MESH_BREAKAGES } from "./mesh_breakages.ts";
import { METRICS_BREAKAGES } from "./metrics_breakages.ts";
import { POD_CIDR_BREAKAGES } from "./pod_cidr_breakages.ts";
import { SETTINGS_BREAKAGES } from "./settings_breakages.ts";
import { SUBNET_BREAKAGES } from "./subnet_breakages.ts";
import { TURN_BREAKAGES } from "./turn_breakages.ts";
import { UPKEEP_BREAKAGES } from "./upkeep_breakages.ts";

/** One line of ours made wrong, and the test that must notice. */
export interface Breakage {
  readonly file: string;
  /** Text that occurs once in the file. */
  readonly text: string;
  readonly replacement: string;
  readonly testFile: string;
  /** The whole name of the test. */
  readonly test: string;
}

/** Each stands for a mistake that would cost a user an address, a connection or a clear answer. */
export const BREAKAGES: readonly Breakage[] = [
  // A neighbour's address counts as inside an IPv4 prefix of the same number.
  {
    file: "lib/net/prefix.ts",
    text: "if (prefix.address.family !== address.family) return false;",
    replacement: "",
    testFile: "lib/net/prefix_test.ts",
    test: "containsAddress: inside, outside, other family",
  },
  // Attributes behind one of odd length are read at the wrong place.
  {
    file: "lib/wire/attribute.ts",
    text: "const padding = -this.#length & 3;",
    replacement: "const padding = 0;",
    testFile: "lib/wire/attribute_test.ts",
    test: "WireWriter: attributes have length, type, payload and padding",
  },
  // A gateway outside of the subnet is refused by the kernel.
  {
    file: "lib/netlink/route.ts",
    text: ".u32(route.onlink ? RTNH_F_ONLINK : 0);",
    replacement: ".u32(0);",
    testFile: "lib/netlink/route_test.ts",
    test: "addRoute, decodeRoute: what is added is what is read",
  },
  // A pod cannot use its IPv6 address for the first seconds: duplicate address detection.
  {
    file: "lib/netlink/address.ts",
    text: "isIpv4 ? 0 : IFA_F_NODAD",
    replacement: "0",
    testFile: "lib/netlink/address_test.ts",
    test: "addAddress: ip address add fd09::2/64 dev <2> nodad",
  },
  // A new link cannot be told from a stranger's while it has no alias yet.
  {
    file: "lib/netlink/link.ts",
    text: "return body.attributeU32(IFLA_GROUP, HEADCNI_LINK_GROUP);",
    replacement: "return body;",
    testFile: "lib/netlink/link_test.ts",
    test: "addVeth: ip link add veth0 mtu 1380 type veth peer name eth0 netns <fd 4>",
  },
  // A released address is given to the next pod at once.
  {
    file: "lib/ipam/block.ts",
    text: "return (bits[at] ?? 0) | (bits[LAYER_WORDS + at] ?? 0);",
    replacement: "return bits[at] ?? 0;",
    testFile: "lib/ipam/block_test.ts",
    test: "findFree: skips resting addresses",
  },
  // A full page hides the free addresses behind it, or costs a read for each.
  {
    file: "lib/ipam/block.ts",
    text: "childUse = setUse(bits, index, childUse);",
    replacement: "childUse = setUse(bits, index, childUse) && undefined;",
    testFile: "lib/ipam/block_test.ts",
    test: "changeUse: tells the level above when a block fills up, and when it is so no longer",
  },
  // A pod gets the address of a gateway.
  {
    file: "lib/ipam/pool.ts",
    text: "excluded: [...parts.flatMap(({ exclude }) => exclude), ...gateways],",
    replacement: "excluded: parts.flatMap(({ exclude }) => exclude),",
    testFile: "lib/ipam/allocate_test.ts",
    test: "chooseAddresses: gateway in the middle is skipped",
  },
  // A pod gets an address that is kept for those who ask for it.
  {
    file: "lib/ipam/interval.ts",
    text: "return cutOut(set, [...supply.excluded, ...supply.reserved]);",
    replacement: "return cutOut(set, [...supply.excluded]);",
    testFile: "lib/ipam/allocate_test.ts",
    test: "chooseAddresses: excluded and reserved addresses are skipped",
  },
  // A pool seems to be exhausted although the addresses before the last one are free.
  {
    file: "lib/ipam/interval.ts",
    text: "...intervals.slice(0, at), ...rest];",
    replacement: "];",
    testFile: "lib/ipam/strategy_test.ts",
    test: "strategies: random keeps the contract in IPv6",
  },
  // A misspelt "exclude" gives out what it should not.
  {
    file: "lib/schema.ts",
    text: "if (meant === undefined) continue;",
    replacement: "continue;",
    testFile: "lib/schema_test.ts",
    test: "spelledObject: a key that is nearly a known one is a fault, others are kept",
  },
  // GC in a container that sees no namespaces takes the addresses of live pods.
  {
    file: "lib/ipam/liveness.ts",
    text: "facts.isInitialPidNamespace : facts.hasNetnsDirectory;",
    replacement: "facts.isInitialPidNamespace : true;",
    testFile: "lib/ipam/liveness_test.ts",
    test: "judgeLease: of all combinations only those with two proofs and no sign of life are dead",
  },
  // A second ADD of one attachment takes a second address.
  {
    file: "lib/store/leases.ts",
    text: "if (memory.lease !== undefined) throw alreadyLeased(parseLease(key, memory.lease));",
    replacement: "void alreadyLeased;",
    testFile: "lib/store/leases_test.ts",
    test: "reserveLease: refuses a second lease of one attachment, not of another interface",
  },
  // A page that lost a mark gives an address twice.
  {
    file: "lib/store/leases.ts",
    text: "if (owner && formatAttachment(owner) !== formatAttachment(key)) {",
    replacement: "if (owner && formatAttachment(owner) === formatAttachment(key)) {",
    testFile: "lib/store/leases_test.ts",
    test: "reserveLease: refuses an address that is marked as free but has an owner",
  },
  // The rest of an address that somebody asked for ends while its pod lives, and frees it.
  {
    file: "lib/store/resting.ts",
    text: 'if (await decideOn(tx, network, readUse(address)) !== "resting") return;',
    replacement: "",
    testFile: "lib/store/resting_test.ts",
    test: "reserveLease: a rest that is over takes no address from who has it",
  },
  // Those who still speak to a pod that is gone reach the next one.
  {
    file: "lib/store/resting.ts",
    text: "return bootId !== now.bootId || untilUptimeMs <= now.uptimeMs;",
    replacement: "return bootId !== now.bootId || untilUptimeMs > 0;",
    testFile: "lib/store/resting_test.ts",
    test: "reserveLease, releaseLease: a released address is not given before its rest is over",
  },
  // A pool whose free addresses all rest gives none.
  {
    file: "lib/store/resting.ts",
    text: "return await decide(await longestRested(reader, network, now));",
    replacement: "return await decide([]);",
    testFile: "lib/store/resting_test.ts",
    test: "reserveLease, releaseLease: a dry pool gives the address that rested longest",
  },
  // The pod of a container that outlived its ADD loses its address to another.
  {
    file: "lib/attach/reclaim.ts",
    text: 'if (left.bootId === "" || left.bootId === bootId) return false;',
    replacement: 'if (left.bootId === "") return false;',
    testFile: "lib/attach/reclaim_test.ts",
    test: "writeReclaiming: a lease of the same attachment of this boot, its namespace gone",
  },
  // One look at the boot id frees what may live.
  {
    file: "lib/attach/reclaim.ts",
    text: 'return left.netns === "" || left.netns === again || isNetnsGone(left.netns);',
    replacement: "return true;",
    testFile: "lib/attach/reclaim_test.ts",
    test: "writeReclaiming: the first one of a boot frees what earlier boots provably left",
  },
  // A pod cannot go as long as the disk is full.
  {
    file: "lib/attach/postpone.ts",
    text: 'error instanceof StoreError && error.reason !== "try-again"',
    replacement: "false",
    testFile: "lib/attach/detach_test.ts",
    test: "detach: what the store cannot be told now it is told later",
  },
  // Two processes whose lock file was deleted give one address twice.
  {
    file: "lib/store/transaction.ts",
    text: "if (versionstamp !== undefined) operation.check({ key, versionstamp });",
    replacement: "",
    testFile: "lib/store/store_test.ts",
    test: "Store.write: refuses to overwrite what somebody changed without our lock",
  },
  // Writers do not wait for each other.
  {
    file: "lib/store/lock.ts",
    text: 'const exclusive = mode === "exclusive";',
    replacement: "const exclusive = false;",
    testFile: "lib/store/store_test.ts",
    test: "Store.write: serializes transactions of all who have it open",
  },
  // Who waited for a lock file that was deleted works beside the next one.
  {
    file: "lib/store/lock.ts",
    text: "if (identityOf(path) !== identityOfOpen(file)) continue;",
    replacement: "if (identityOf(path) !== identityOfOpen(file) && waitMs < 0) continue;",
    testFile: "lib/store/lock_test.ts",
    test: "withLock: who waited for a file that was replaced waits for the new one",
  },
  // A copy of yesterday gives the addresses of today's pods away.
  {
    file: "lib/store/open_file.ts",
    text: "await mergeLeases(kv, path, leases);",
    replacement: "await mergeLeases(kv, path, leases.slice(leases.length));",
    testFile: "lib/store/open_file_test.ts",
    test: "openFile: gives the copy of an older store what witnesses tell of, once",
  },
  // A container id may name a file outside of our folders.
  {
    file: "lib/cni/environment.ts",
    text:
      'if (!hasNameAlphabet(id)) throw environmentError("invalid characters in containerID", id);',
    replacement: "",
    testFile: "lib/cni/environment_test.ts",
    test: "parseEnvironment: refuses container ids that could not name a file",
  },
  // An ADD whose answer cannot be written stays behind as an attachment.
  {
    file: "lib/cni/protocol.ts",
    text: "await undo().catch(",
    replacement: "await Promise.resolve().catch(",
    testFile: "lib/cni/protocol_test.ts",
    test: "answerCall: an ADD whose result the version cannot express is undone",
  },
  // The bridge loses its address under the pods that use it.
  {
    file: "lib/pod/plan_bridge.ts",
    text: "facts.isBridgeInUse && !network.forceAddress",
    replacement: "false",
    testFile: "lib/pod/plan_test.ts",
    test: "planNode: bridge address of an earlier subnet is replaced only when that is safe",
  },
  // DEL removes a link that belongs to another attachment.
  {
    file: "lib/pod/identity.ts",
    text: "return owner !== undefined && formatAttachment(owner) === formatAttachment(key);",
    replacement: "return owner !== undefined;",
    testFile: "lib/pod/identity_test.ts",
    test: "isLinkOf: by alias, or by group while there is no alias yet",
  },
  // A link whose ADD was killed before it had its alias stays for ever.
  {
    file: "lib/pod/identity.ts",
    text: "if (!link.alias) return link.group === HEADCNI_LINK_GROUP;",
    replacement: "if (!link.alias) return false;",
    testFile: "lib/pod/identity_test.ts",
    test: "isLinkOf: by alias, or by group while there is no alias yet",
  },
  // A bridge whose ADD was killed right after it made it takes router advertisements from pods.
  {
    file: "lib/pod/plan_bridge.ts",
    text: "steps.push(...ipv6LinkSysctls(bridge));",
    replacement: "if (!facts.bridge) steps.push(...ipv6LinkSysctls(bridge));",
    testFile: "lib/pod/plan_test.ts",
    test: "planNode: a later pod only finishes what the first left undone when it was killed",
  },
  // Every change of a subnet makes the kernel refuse the masquerade table.
  {
    file: "lib/nft/interval.ts",
    text: "remove: have.filter((interval) => !holds(merged, interval)),",
    replacement: "remove: [],",
    testFile: "lib/nft/interval_test.ts",
    test: "coverIntervals: random sets end up covered, disjoint, and stay as they are",
  },
  // Pods of one network see each other under the node's address.
  {
    file: "lib/nft/masquerade.ts",
    text: "...want.sources,\n",
    replacement: "\n",
    testFile: "lib/nft/masquerade_test.ts",
    test: "masqueradeTable: sets hold networks, merged, sources always exempt",
  },
  // A key of Headscale gets into the log.
  {
    file: "lib/redact.ts",
    text: "SECRET_KEY.test(String(name)) ? REDACTED : copy(value, depth)",
    replacement: "copy(value, depth)",
    testFile: "lib/redact_test.ts",
    test: "redact: an auth key",
  },
  // A container that has a network of its own calls the pods of its node dead.
  {
    file: "lib/ipam/liveness.ts",
    text:
      'return !isOfAnotherBoot(facts) && leaseHostNetns !== "" && leaseHostNetns !== hostNetns;',
    replacement: "return false;",
    testFile: "lib/ipam/liveness_test.ts",
    test: "judgeLease: of all combinations only those with two proofs and no sign of life are dead",
  },
  // A place without the host's mounts proves pods dead that it cannot see.
  {
    file: "lib/attach/left_over.ts",
    text: 'hasNetnsDirectory: isPresent(path.slice(0, path.lastIndexOf("/") + 1)),',
    replacement: "hasNetnsDirectory: true,",
    testFile: "lib/attach/left_over_test.ts",
    test: "isNetnsGone: only where it could be seen",
  },
  // A pod that came since the search for dead ones loses its address.
  {
    file: "lib/attach/collect_dead.ts",
    text: "? judgeLease(evidence(lease, recorded), graceMs)",
    replacement: "? one.judgement",
    testFile: "lib/attach/collect_dead_test.ts",
    test: "collectDead: looks again before it frees, and leaves what has changed",
  },
  // A link that says who has an address counts less than what the runtime remembers.
  {
    file: "lib/attach/witnesses.ts",
    text: "return withOneOwnerEach([...links, ...read.values(), ...results]);",
    replacement: "return withOneOwnerEach([...results, ...read.values(), ...links]);",
    testFile: "lib/attach/witnesses_test.ts",
    test: "recallLeases: of two owners of an address the one with a link keeps it",
  },
  // A store that somebody removed under running pods begins empty: their addresses are given again.
  {
    file: "lib/store/open_file.ts",
    text: "await mender?.recall?.(undefined) ?? NOTHING",
    replacement: "NOTHING",
    testFile: "lib/store/mend_test.ts",
    test: "openStore: a store that somebody removed knows the leases of pods that run",
  },
  // A release that could not be written is gone before it is written.
  {
    file: "lib/store/spool.ts",
    text: 'const text = await guard("read", path, () => readText(file));',
    replacement:
      'const text = await guard("read", path, () => readText(file));\n  file.truncateSync(0);',
    testFile: "lib/store/spool_test.ts",
    test: "drainSpool: keeps what could not be applied, and applies twice what was",
  },
  // A pod of a chain fails its CHECK for what the result of another plugin does not have.
  {
    file: "lib/schema.ts",
    text: '(member ?? "") !== ""',
    replacement: 'member !== null && member !== ""',
    testFile: "lib/schema_test.ts",
    test: "withoutEmpty: drops null, undefined and empty text at every depth, and nothing else",
  },
  // Every import of leases ends in an alarm.
  {
    file: "lib/store/merge.ts",
    text: "if (merged > 0)",
    replacement: "if (merged >= 0)",
    testFile: "lib/store/open_file_test.ts",
    test: "openFile: a copy that lacks nothing is no error",
  },
  ...ADMIN_BREAKAGES,
  ...ATTACH_BREAKAGES,
  ...SUBNET_BREAKAGES,
  ...BANDWIDTH_BREAKAGES,
  ...CHART_BREAKAGES,
  ...CLUSTER_BREAKAGES,
  ...CONFLIST_BREAKAGES,
  ...DAEMON_BREAKAGES,
  ...DOCTOR_BREAKAGES,
  ...HEADSCALE_BREAKAGES,
  ...HOST_PORT_BREAKAGES,
  ...INSTALL_BREAKAGES,
  ...MESH_BREAKAGES,
  ...DAEMON_MESH_BREAKAGES,
  ...METRICS_BREAKAGES,
  ...POD_CIDR_BREAKAGES,
  ...SETTINGS_BREAKAGES,
  ...TURN_BREAKAGES,
  ...UPKEEP_BREAKAGES,
];
