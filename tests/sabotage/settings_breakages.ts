import type { Breakage } from "./breakages.ts";

/** Those of the daemon's settings. */
export const SETTINGS_BREAKAGES: readonly Breakage[] = [
  // The file wins over what the operator of this node set in the environment.
  {
    file: "lib/daemon/settings/resolve.ts",
    text: "    readEnv(env),\n    flags,",
    replacement: "    flags,\n    readEnv(env),",
    testFile: "lib/daemon/settings/resolve_test.ts",
    test: "resolveSettings: network.mtu by flag over variable over file over default",
  },
  // A key in a file that everybody reads is used, and nobody is told.
  {
    file: "lib/daemon/settings/load.ts",
    text: "uid === 0 && ((mode ?? 0o777) & 0o077) === 0",
    replacement: "uid === 0",
    testFile: "lib/daemon/settings/load_test.ts",
    test: "examineSettings: secrets in the file only when it is root's with mode 0600",
  },
  // A misspelt key is ignored: its setting keeps a default that nobody wants.
  {
    file: "lib/daemon/settings/read_text.ts",
    text: "return faulty({ where, key, text: unknownKey(key, section) });",
    replacement: "return joinLayers([]);",
    testFile: "lib/daemon/settings/read_text_test.ts",
    test: "readSettingsText: tells every fault at once, with its line",
  },
  // A key shows itself when an object that has it is printed.
  {
    file: "lib/daemon/settings/secret.ts",
    text: "toJSON(): string {\n    return REDACTED;",
    replacement: "toJSON(): string {\n    return this.reveal();",
    testFile: "lib/daemon/settings/secret_test.ts",
    test: "Secret: shows itself only by reveal()",
  },
  // What is on by default cannot be turned off, as in the older system.
  {
    file: "lib/daemon/settings/read_flags.ts",
    text: 'giveText(use.entry, "false", origin, false)',
    replacement: 'giveText(use.entry, "true", origin, false)',
    testFile: "lib/daemon/settings/read_flags_test.ts",
    test: "readFlags: what is on or off",
  },
  // A whole cluster's pods get addresses of its services.
  {
    file: "lib/daemon/settings/agreement.ts",
    text: "prefix && service && overlaps(prefix, service)",
    replacement: "prefix && service && false",
    testFile: "lib/daemon/settings/resolve_test.ts",
    test:
      "resolveSettings: network: {podCIDR: {base: 10.0.0.0/8}, serviceCIDR: 10.96.0.0/16} contradicts itself",
  },
  // A log fills the disk of its node, or what was put aside last is the first to go.
  {
    file: "lib/log_file.ts",
    text: "if (number >= maxBackups) Deno.removeSync",
    replacement: "if (number > maxBackups) Deno.removeSync",
    testFile: "lib/log_file_test.ts",
    test: "appendLine: a file that is full is put aside, and the oldest goes",
  },
  {
    file: "lib/log_file.ts",
    text: "mtime.getTime() < minMs",
    replacement: "mtime.getTime() > minMs",
    testFile: "lib/log_file_test.ts",
    test: "appendLine: what is older than the age goes, what is younger stays",
  },
  {
    file: "commands/admin/logs/log_file.ts",
    text: "if (last !== undefined) fresh = parts.length;",
    replacement: "",
    testFile: "commands/admin/logs/log_file_test.ts",
    test: "LogFile: nothing is lost of a file that is put aside while it is followed",
  },
];
