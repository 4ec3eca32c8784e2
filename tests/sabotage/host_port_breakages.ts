import type { Breakage } from "./breakages.ts";

/** Those of the ports of the node that lead to pods. */
export const HOST_PORT_BREAKAGES: readonly Breakage[] = [
  // Two pods get the same port, one at any address of the node and one at a single one.
  {
    file: "lib/net/host_port.ts",
    text: "(!a.hostIp || !b.hostIp || equalAddresses(a.hostIp, b.hostIp));",
    replacement: "a.hostIp?.value === b.hostIp?.value;",
    testFile: "lib/store/ports_test.ts",
    test: "claimPorts: a port has one owner, in whatever network",
  },
  // DEL of a pod with one address of the node lets two have the same port there.
  {
    file: "lib/store/ports.ts",
    text: ".filter(({ hostIp }) => !hostIp)",
    replacement: "",
    testFile: "lib/store/ports_test.ts",
    test: "freePorts: frees what is the attachment's, for whoever comes next",
  },
  // A container on two networks cannot have host ports.
  {
    file: "lib/store/ports.ts",
    text: "rival.owner.containerId !== key.containerId",
    replacement: "rival.owner",
    testFile: "lib/store/ports_test.ts",
    test: "claimPorts: what another network of the container has is left out",
  },
  // Any port is claimed by whoever asks.
  {
    file: "lib/store/ports.ts",
    text: 'await stageTaken(tx, ports, "taken");',
    replacement: "",
    testFile: "lib/store/faults_test.ts",
    test: "findFaults: nothing",
  },
  // Ports of a range lead elsewhere than they should once the record is read.
  {
    file: "lib/store/port_runs.ts",
    text: "targetPort === last.targetPort + last.count;",
    replacement: "true;",
    testFile: "lib/store/port_runs_test.ts",
    test: "toStoredHostPorts: what follows each other at both ends is one run",
  },
  // No UDP port can be mapped where connection tracking is not to be had.
  {
    file: "lib/linux/conntrack.ts",
    text: "if (!(error instanceof KernelError)) throw error;",
    replacement: "throw error;",
    testFile: "lib/linux/conntrack_test.ts",
    test: "forgetStaleFlows, forgetLedFlows: a kernel without ctnetlink costs one warning",
  },
  // A store cannot be made anew on a kernel without nf_tables.
  {
    file: "lib/attach/recall_ports.ts",
    text: "if (!(error instanceof KernelError)) throw error;",
    replacement: "throw error;",
    testFile: "lib/attach/recall_ports_test.ts",
    test: "recallPorts: a kernel without packet filter has none, and costs a warning",
  },
  // Callers from outside are hidden from the pod behind the node's address.
  {
    file: "lib/nft/host_ports.ts",
    text: "isHairpin ? HAIRPIN_MARK : undefined",
    replacement: "HAIRPIN_MARK",
    testFile: "lib/nft/host_ports_test.ts",
    test: "hostPortTable: maps, the sources to be masqueraded, and rules, nothing per pod",
  },
  // A pod reaches what listens on the node's 127.0.0.1 alone.
  {
    file: "lib/nft/host_ports.ts",
    text: "...parts.includes(4) ? [{ ...GUARD, rules: guardRules() }] : [],",
    replacement: "",
    testFile: "lib/nft/host_ports_test.ts",
    test: "hostPortTable: maps, the sources to be masqueraded, and rules, nothing per pod",
  },
  // The marks of kube-proxy and Tailscale are lost.
  {
    file: "lib/nft/mark.ts",
    text: "bitwise(nf.NFT_REG_4, ~bit, bit),",
    replacement: "bitwise(nf.NFT_REG_4, 0, bit),",
    testFile: "lib/nft/host_ports_test.ts",
    test: "hostPortTable: no packet is marked before the map has a destination for it",
  },
  // Flows that go where they must are cut off, again and again.
  {
    file: "lib/conntrack/entry.ts",
    text: "!isLedTo(reply, port) &&",
    replacement: "",
    testFile: "lib/conntrack/entry_test.ts",
    test: "isStale: goes to the port, and elsewhere than it leads",
  },
  // hostIP 0.0.0.0 maps a port of an address that no node has.
  {
    file: "lib/pod/port_mappings.ts",
    text: "address.value === 0n ? undefined : address",
    replacement: "address",
    testFile: "lib/pod/port_mappings_test.ts",
    test: "planHostPorts: one per family that the pod has and the host address allows",
  },
  // The host ports of a pod that is gone stay taken for ever.
  {
    file: "lib/store/attachments.ts",
    text: "await freePorts(tx, key);",
    replacement: "",
    testFile: "lib/store/attachments_test.ts",
    test: "putAttachment, forgetAttachment: host ports are kept, and free with the record",
  },
  // Flows of pods to the internet are forgotten, again and again, though they are as they must be.
  {
    file: "lib/conntrack/entry.ts",
    text: "destinations.some((prefix) => containsAddress(prefix, original.destination));",
    replacement: "destinations.length > 0;",
    testFile: "lib/conntrack/entry_test.ts",
    test: "isHidden: a sender of ours whom one that is to see it does not see",
  },
];
