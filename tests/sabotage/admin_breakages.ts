import type { Breakage } from "./breakages.ts";

/** Those of what administrators see. */
export const ADMIN_BREAKAGES: readonly Breakage[] = [
  // A variable of whoever backs up hides the key that stands in the file.
  {
    file: "commands/admin/backup/backup.ts",
    text: "const { settings = loaded.settings, origins } = examineSettings(alone);",
    replacement: "const { settings, origins } = loaded;",
    testFile: "tests/cli/admin_backup_test.ts",
    test: "headcni backup: a key in the text of the settings is refused, its file is only named",
  },
  // Escape sequences get into files and pipes.
  {
    file: "commands/admin/screen.ts",
    text: "  if (!Deno.stdout.isTerminal()) return PLAIN_SCREEN;\n",
    replacement: "  if (!Deno.stdout.isTerminal()) return colouredScreen(Infinity);\n",
    testFile: "commands/admin/print_test.ts",
    test: "print: each form on its own, with a line's end",
  },
  // A node name such as "no" is false to programs that read YAML 1.1.
  {
    file: "commands/admin/yaml.ts",
    text: 'compat: "yaml-1.1", ',
    replacement: "",
    testFile: "commands/admin/print_test.ts",
    test: "formatYaml: reads back as the value that JSON has, whatever the version of YAML",
  },
  // A daemon that may run is told to be stopped, and somebody starts a second one.
  {
    file: "lib/daemon/ask_daemon.ts",
    text: 'return ["unknown", isLate(error)',
    replacement: 'return ["stopped", isLate(error)',
    testFile: "lib/daemon/ask_daemon_test.ts",
    test: "askDaemon: of one that does not answer it is not known whether it runs",
  },
  // Scripts take a status that saw half of the node for the whole.
  {
    file: "commands/admin/status/status.ts",
    text: "  if (unseen.length === 0) return;\n",
    replacement: "  if (unseen.length >= 0) return;\n",
    testFile: "commands/admin/main_test.ts",
    test: "main: status fails where it cannot see all, and tells what it sees",
  },
  // A line that is written in two parts is shown as two lines, or in half.
  {
    file: "commands/admin/logs/log_file.ts",
    text: "    if (at >= 0) return begin + at + 1;\n",
    replacement: "    if (at >= 0) return size;\n",
    testFile: "commands/admin/logs/log_file_test.ts",
    test: "LogFile: a line that is being written is no line yet, and then one",
  },
  // Who is not root is told of faults that nobody could see.
  {
    file: "lib/daemon/doctor/examine.ts",
    text: '"blind" in options.settings && NAMED_BY_SETTINGS.includes(name)',
    replacement: "false",
    testFile: "lib/daemon/doctor/examine_test.ts",
    test: "examineNode: what settings name is not judged by defaults where they may not be read",
  },
  // Who looks for the log of the daemon is sent to that of the plugin.
  {
    file: "commands/admin/logs/log_file.ts",
    text: "NAMED_BY[this.#source]",
    replacement: "NAMED_BY.plugin",
    testFile: "commands/admin/logs/log_file_test.ts",
    test: "LogFile: one that is not there is told with what names another",
  },
  // The API key of Headscale goes out with a backup.
  {
    file: "commands/admin/backup/backup.ts",
    text: '    ["headscale.authKey", settings.headscale.authKey] as const,\n',
    replacement: "",
    testFile: "tests/cli/admin_backup_test.ts",
    test: "headcni backup: a key in the text of the settings is refused, its file is only named",
  },
  // A backup that somebody wrote puts a file of theirs anywhere, as root.
  {
    file: "commands/admin/backup/restore.ts",
    text: "  requirePlaces(backup, backupPlaces(loaded, env));\n",
    replacement: "",
    testFile: "tests/cli/admin_backup_test.ts",
    test: "headcni restore: what is of another node, or no memory of the daemon, is refused",
  },
  // Everybody on the node can read settings that came back.
  {
    file: "commands/admin/backup/restore.ts",
    text: 'path.endsWith(".service") ? 0o644 : 0o600',
    replacement: "0o644",
    testFile: "tests/cli/admin_backup_test.ts",
    test: "headcni backup, restore: files and leases come back on a node that has lost all",
  },
];
