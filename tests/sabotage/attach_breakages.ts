import type { Breakage } from "./breakages.ts";

/** Those of ADD and DEL with other plugins, and with host ports. */
export const ATTACH_BREAKAGES: readonly Breakage[] = [
  // A plugin whose ADD was cut off is never told of the DEL.
  {
    file: "lib/attach/attach_members.ts",
    text: "members: members.slice(0, at + 1),",
    replacement: "members: members.slice(0, at),",
    testFile: "lib/attach/attach_members_test.ts",
    test: "attachMembers: what cannot be undone is recorded with the member that failed",
  },
  // A plugin that follows another does not know what that did.
  {
    file: "lib/attach/attach_members.ts",
    text: "const prevResult = before && toJson(before, request);",
    replacement: "const prevResult = undefined;",
    testFile: "lib/attach/attach_members_test.ts",
    test: "attachMembers: each gets the result before it, and all are recorded",
  },
  // A plugin's second ADD meets what is left of its first.
  {
    file: "lib/attach/attach_members.ts",
    text: "  await remove();\n",
    replacement: "",
    testFile: "lib/attach/attach_members_test.ts",
    test: "attachMembers: one that is busy is tried once more, after its DEL",
  },
  // A plugin that nobody can execute keeps the record of every pod that wanted it.
  {
    file: "lib/attach/attach_members.ts",
    text: "isStarted = !(error instanceof NotStarted);",
    replacement: "isStarted = true;",
    testFile: "lib/attach/attach_members_test.ts",
    test: "attachMembers: one that cannot be started has nothing to undo",
  },
  // The link goes before those who put things on it have taken them off.
  {
    file: "lib/attach/members.ts",
    text: "members.toReversed()",
    replacement: "members",
    testFile: "lib/attach/members_test.ts",
    test: "deleteMembers: the last first, each with the result of all",
  },
  // One plugin that fails DEL keeps all others from cleaning up.
  {
    file: "lib/attach/members.ts",
    text: "failures.push(error);",
    replacement: "throw error;",
    testFile: "lib/attach/members_test.ts",
    test: "deleteMembers: goes on after a failure, and fails as the last one did",
  },
  // A failed DEL of a plugin passes for done, and nobody comes back to it.
  {
    file: "lib/attach/members.ts",
    text: "if (failures.length > 0) throw failures.at(-1);",
    replacement: "",
    testFile: "lib/attach/release_test.ts",
    test: "release: an attachment of which something stays is still recorded",
  },
  // A plugin that outlived its ADD adds to the pod after the DEL.
  {
    file: "lib/attach/release.ts",
    text: 'if (phase === "adding" && owesOthers(attachment)) await killUnfinished(key);',
    replacement: "",
    testFile: "lib/attach/release_test.ts",
    test: "release: an ADD that did not end is ended first",
  },
  // A plugin is sent into a namespace that is gone, and fails each DEL.
  {
    file: "lib/attach/release.ts",
    text: 'recorded !== "" && isPresent(recorded) ? recorded : ""',
    replacement: "recorded",
    testFile: "lib/attach/release_test.ts",
    test: "release: a namespace that the runtime does not name is the recorded one, if it is there",
  },
  // A pod that nobody recorded can never be deleted: its plugin has nothing to remove.
  {
    file: "lib/attach/unrecorded.ts",
    text: "if (!isCertain) throw error;",
    replacement: "throw error;",
    testFile: "lib/attach/unrecorded_test.ts",
    test: "deleteUnrecorded: members that nobody recorded are told, and may fail",
  },
  // What an older plugin left is undone again and again.
  {
    file: "lib/attach/unrecorded.ts",
    text: "older.files.forEach(removeFile);",
    replacement: "",
    testFile: "lib/attach/unrecorded_test.ts",
    test: "deleteUnrecorded: what an older plugin recorded is undone, and its files go",
  },
  // All networks of a node get the addresses of one.
  {
    file: "lib/attach/resolve.ts",
    text: "raw.subnetFile || env.HEADCNI_SUBNET_FILE",
    replacement: "env.HEADCNI_SUBNET_FILE || raw.subnetFile",
    testFile: "lib/attach/resolve_test.ts",
    test: "resolveRequest: the file that the configuration names wins over the variable",
  },
  // What could not be undone is forgotten: its address goes to another pod.
  {
    file: "lib/attach/ongoing.ts",
    text: "ongoing.isStuck = true;",
    replacement: "",
    testFile: "lib/attach/ongoing_test.ts",
    test: "undoLater: one that fails keeps no other from running, and keeps the record",
  },
  // A pod takes a host port from one that is running.
  {
    file: "lib/attach/host_ports.ts",
    text: 'link !== "" && !host.findLink("host", link)',
    replacement: 'link !== ""',
    testFile: "lib/attach/host_ports_test.ts",
    test: "openPorts: a port of a pod that is there, or of nobody known, stays its own",
  },
  // The host ports of a pod whose record was lost lead to the next pod that has its address.
  {
    file: "lib/attach/host_ports.ts",
    text: "if (attachment ? !attachment.hostPorts : !asksForPorts(request)) return;",
    replacement: "if (!attachment?.hostPorts) return;",
    testFile: "lib/attach/host_ports_test.ts",
    test: "closePorts: without a record all that lead to the attachment's link",
  },
  // GC closes the host ports of pods that are running.
  {
    file: "lib/attach/host_ports.ts",
    text: 'link !== "" && !links.has(link)',
    replacement: 'link !== ""',
    testFile: "lib/attach/host_ports_test.ts",
    test: "sweepPorts: those of links that are gone, and no others",
  },
  // DEL removes another pod's link, whose name happens to be the same.
  {
    file: "lib/attach/remove_links.ts",
    text: "if (!link || isLinkOf(key, link))",
    replacement: "if (true)",
    testFile: "lib/attach/remove_links_test.ts",
    test: "removeLinks: a link of our name that is somebody else's stays, and is told",
  },
  // A runtime is promised a version that the delegate in a chain refuses.
  {
    file: "lib/attach/versions.ts",
    text: "delegate ? delegateType(delegate) : type",
    replacement: "type",
    testFile: "lib/attach/versions_test.ts",
    test: "commonVersions: a delegate in a chain",
  },
  // Whatever is attached to a container at the same time is killed by a DEL of one interface.
  {
    file: "lib/delegate/unfinished.ts",
    text: ", `CNI_IFNAME=${ifname}`]",
    replacement: "]",
    testFile: "lib/delegate/unfinished_test.ts",
    test: "killUnfinished: ends an ADD of the attachment that goes on, and nothing else",
  },
  // After a change of the configuration an address goes to a new pod while the old one still has it.
  {
    file: "lib/attach/release.ts",
    text: "if (!isRecorded || !attachment.members) await removeOwnLinks(key, context);",
    replacement: "",
    testFile: "lib/attach/detach_test.ts",
    test: "detach: the link of an attachment of our own goes, whoever is configured now",
  },
];
