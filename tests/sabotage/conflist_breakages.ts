import type { Breakage } from "./breakages.ts";

/** What makes a node's network configuration the wrong one, or loses that of somebody else. */
export const CONFLIST_BREAKAGES: readonly Breakage[] = [
  // Two plugins answer for one host port.
  {
    file: "lib/node/conflist.ts",
    text: "known.filter((name) => !taken.includes(name))",
    replacement: "known",
    testFile: "lib/node/conflist_test.ts",
    test: "planConflist: what is chained takes over its capability",
  },
  // For a moment pods get the network of whoever was second.
  {
    file: "lib/node/conf_directory.ts",
    text: "one.name > other.name ? -1 : 1",
    replacement: "one.name > other.name ? 1 : -1",
    testFile: "lib/node/conf_directory_test.ts",
    test: "planConfDirectory: others come before",
  },
  // The configuration that somebody wrote by hand is gone for good.
  {
    file: "lib/node/conf_directory.ts",
    text: "...there && there.text !== text && !isOwn(there) ? keep(there, entries) : [],",
    replacement: "",
    testFile: "lib/node/conf_directory_test.ts",
    test: "planConfDirectory: a stranger with our name",
  },
  // The tenth file that was moved aside is older than the ninth.
  {
    file: "lib/node/conf_directory.ts",
    text: "return one.number - other.number;",
    replacement: "return one.name < other.name ? -1 : 1;",
    testFile: "lib/node/conf_directory_test.ts",
    test: "planRestore: the last of one name is back, the others are kept",
  },
  // Bytes that are no text look alike, and one of two files is overwritten.
  {
    file: "lib/daemon/conf_files.ts",
    text: "fatal: true, ignoreBOM: true",
    replacement: "ignoreBOM: true",
    testFile: "lib/daemon/conf_files_test.ts",
    test: "assertConflist: different bytes that are no text are never taken for the same",
  },
  // The plugin of the distribution is replaced by ours.
  {
    file: "lib/daemon/binaries.ts",
    text: "name === SHARED_NAME && isTheirs(path)",
    replacement: "false",
    testFile: "lib/daemon/binaries_test.ts",
    test: "assertBinaries: the loopback of somebody else stays",
  },
  // An uninstall takes the executable of another release, which a runtime may still call.
  {
    file: "lib/daemon/binaries.ts",
    text: "if (found === wanted) ours.push(path);",
    replacement: "if (found !== undefined) ours.push(path);",
    testFile: "lib/daemon/binaries_test.ts",
    test: "removeBinaries: takes those of the same content, and tells of others but a loopback",
  },
  // An uninstall takes files of others out of a folder that they share with a store.
  {
    file: "lib/store/remove.ts",
    text: "|ballast)$/",
    replacement: "|ballast)/",
    testFile: "lib/store/remove_test.ts",
    test: "removeStore: its own files go, others stay, and an absent one is no fault",
  },
  // A second daemon goes on beside the first.
  {
    file: "lib/daemon/try_lock.ts",
    text: "file.tryLockSync(true)",
    replacement: "file.tryLockSync(false)",
    testFile: "lib/daemon/instance_lock_test.ts",
    test: "lockInstance: the second is refused and told of the first, until that is gone",
  },
];
