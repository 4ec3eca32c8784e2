import type { Breakage } from "./breakages.ts";

const PLANS = "lib/node/install_plan_test.ts";

/** Those of what is put on a node, and taken back. */
export const INSTALL_BREAKAGES: readonly Breakage[] = [
  // What an earlier run has put there is taken for what was there before.
  {
    file: "lib/node/install_plan.ts",
    text: "known.get(path)?.before ?? beforeOf(",
    replacement: "beforeOf(",
    testFile: PLANS,
    test:
      "planInstall, planUninstall: stopped anywhere on a node with others' files, it ends as before",
  },
  // What is back already is called changed, and its copy stays for ever.
  {
    file: "lib/node/uninstall_plan.ts",
    text: "if (isBack(entry, there, facts)) return [];",
    replacement: "",
    testFile: PLANS,
    test: "planUninstall: stopped anywhere, the next one ends as before, and misses nothing",
  },
  // Half a copy stays beside those that uninstall goes by.
  {
    file: "lib/daemon/install/apply_steps.ts",
    text: "return step.backup;",
    replacement: "return undefined;",
    testFile: "lib/daemon/install/apply_steps_test.ts",
    test: "applySteps: what a killed run was making is gone after the next, copies included",
  },
  // The settings of the user are written over.
  {
    file: "lib/node/install_plan.ts",
    text: '    ...settings.map((entry): Entry => ({ ...entry, yields: "telling" })),\n',
    replacement: "    ...settings,\n",
    testFile: PLANS,
    test: "planInstall: settings and a loopback that are there stay; the rest is kept",
  },
  // An upgrade has nothing to go back to.
  {
    file: "lib/node/install_plan.ts",
    text: "name !== release && name !== previous",
    replacement: "name !== release",
    testFile: PLANS,
    test: "planInstall: another release leaves the one of before, and no more",
  },
  // A file that somebody changed since is lost, or the only copy of what was there.
  {
    file: "lib/node/uninstall_plan.ts",
    text: 'return there.target.startsWith("releases/");',
    replacement: "return true;",
    testFile: PLANS,
    test:
      "planUninstall: what somebody changed since stays, and so does the copy of what was there",
  },
  // Whoever is killed in an uninstall finds nothing to go on by.
  {
    file: "lib/node/uninstall_plan.ts",
    text: "...folders.filter((path) => !isAround(path)).map(removeEmpty),",
    replacement: "",
    testFile: PLANS,
    test: "planInstall, planUninstall: stopped anywhere on a node with nothing, it ends as before",
  },
  // A release that does not come up stays in use.
  {
    file: "lib/node/undo_plan.ts",
    text: 'if (before.kind === "link") return [{ kind: "link", path, target: before.target }];',
    replacement: "",
    testFile: PLANS,
    test: "planUndo: stopped anywhere, an upgrade goes back to the release of before",
  },
  // A record that somebody wrote has us remove folders of others.
  {
    file: "lib/node/install_record.ts",
    text: "!/\\/\\.{0,2}(?:\\/|$)/.test(text)",
    replacement: "true",
    testFile: PLANS,
    test: "parseInstallRecord: a path that leaves its folder, or another format, is refused",
  },
  // An editor's unsaved text goes with what a killed writer left.
  {
    file: "lib/daemon/replace_file.ts",
    text: "name.startsWith(prefix) && /^[0-9a-f]{32}$/.test(name.slice(prefix.length))",
    replacement: "name.startsWith(prefix)",
    testFile: "lib/daemon/replace_file_test.ts",
    test: "removeLeftOvers: what a kill left for one file, and nothing else",
  },
  // An upgrade that was killed in time leaves the old daemon running, and the next calls all well.
  {
    file: "lib/node/install_plan.ts",
    text: "const isDue = record?.isServiceDue === true;",
    replacement: "const isDue = false;",
    testFile: PLANS,
    test: "planInstall: an upgrade that was stopped anywhere is finished by the next one",
  },
  // A release that was mended, and did not help, goes; every plugin's name leads nowhere.
  {
    file: "lib/node/undo_plan.ts",
    text: 'step.kind === "copy-release" && step.folder !== inUse',
    replacement: 'step.kind === "copy-release"',
    testFile: PLANS,
    test: "planUndo: a release that was mended in its place is not removed: it is the one in use",
  },
  // Everybody on the node can read the key in the settings.
  {
    file: "lib/node/install_plan.ts",
    text: "const SETTINGS_MODE = 0o600;",
    replacement: "const SETTINGS_MODE = 0o644;",
    testFile: PLANS,
    test: "planInstall: settings and what is remembered are for root alone",
  },
  // The only copy of what was there goes.
  {
    file: "lib/node/uninstall_plan.ts",
    text: "const mayForget = kept.length === 0 &&",
    replacement: "const mayForget =",
    testFile: PLANS,
    test:
      "planUninstall: what somebody changed since stays, and so does the copy of what was there",
  },
  // A unit that nobody wanted at boot begins to start there.
  {
    file: "lib/node/uninstall_plan.ts",
    text: "const isTheirs = wasEnabled && unit",
    replacement: "const isTheirs = unit",
    testFile: PLANS,
    test: "planUninstall: a unit is read anew, and enabled where one was there and enabled",
  },
  // A record that somebody wrote has us put a file of theirs anywhere.
  {
    file: "lib/node/install_record.ts",
    text: "backup: path }",
    replacement: "backup: v.string() }",
    testFile: PLANS,
    test: "parseInstallRecord: a path that leaves its folder, or another format, is refused",
  },
  // A key stands in the list of processes, and in the history of the shell.
  {
    file: "lib/daemon/install/answers.ts",
    text: "    refuseSecret(key);\n",
    replacement: "",
    testFile: "lib/daemon/install/answers_test.ts",
    test:
      "settingsText: a key itself is refused, for everybody sees a command line; its file is taken",
  },
  // Whoever waited while an uninstall removed the lock works beside the next one.
  {
    file: "lib/daemon/try_lock.ts",
    text: "isLocked && file.statSync().ino === inodeOf(path)",
    replacement: "isLocked",
    testFile: "lib/daemon/install/install_lock_test.ts",
    test: "lockInstall: an uninstall that removes the file lets in no two at once",
  },
];
