import type { Breakage } from "./breakages.ts";

/** Those of what the daemon does about the tailnet. */
export const DAEMON_MESH_BREAKAGES: readonly Breakage[] = [
  // A daemon that ends at the wrong moment leaves routes that nobody ever withdraws.
  {
    file: "lib/daemon/mesh/keep_prefs.ts",
    text: "advertised: ours.before",
    replacement: "advertised: memory.advertised",
    testFile: "lib/daemon/mesh/keep_prefs_test.ts",
    test: "keepPrefs: a tailscaled that refuses leaves the routes remembered as ours",
  },
  // Routes of the user become ours, and go with the next network of pods.
  {
    file: "lib/mesh/remember_routes.ts",
    text: "next.filter((route) => !hasRoute(have, route))",
    replacement: "next.slice()",
    testFile: "lib/mesh/remember_routes_test.ts",
    test: "rememberRoutes: what is added is ours, what others advertised never becomes so",
  },
  // A node that cannot log in asks for a key at each turn.
  {
    file: "lib/daemon/mesh/join_tailnet.ts",
    text: "this.#delayMs = Math.min(this.#delayMs * 2, MAX_DELAY_MS);",
    replacement: "this.#delayMs = FIRST_DELAY_MS;",
    testFile: "lib/daemon/mesh/join_tailnet_test.ts",
    test: "TailnetJoin: tries less and less often, and from the start again once it was in",
  },
  // What an administrator set for a node of a user's is taken back.
  {
    file: "lib/daemon/mesh/lift_expiry.ts",
    text: "if (reason === undefined) return;",
    replacement: "",
    testFile: "lib/daemon/mesh/lift_expiry_test.ts",
    test: "liftExpiry: of the node with our key alone, and only where it must be",
  },
  // Each key that is made for a node of its tags is used up, and the node stays out.
  {
    file: "lib/daemon/mesh/join_tailnet.ts",
    text: "await liftExpiry(headscale, tools.nodeKey);",
    replacement: "await Promise.resolve();",
    testFile: "lib/daemon/mesh/join_tailnet_test.ts",
    test: "TailnetJoin: sees to a node that was in before, and only then to its key",
  },
  // The list that nudges Headscale takes all routes of the node away.
  {
    file: "lib/daemon/mesh/nudge_headscale.ts",
    text: "[...prefs.advertiseRoutes, NUDGE_ROUTE]",
    replacement: "[NUDGE_ROUTE]",
    testFile: "lib/daemon/mesh/nudge_headscale_test.ts",
    test: "HeadscaleNudge: for a route that waits, and without touching any",
  },
  // A node whose memory was cut by a power cut is never looked after again.
  {
    file: "lib/daemon/mesh/memory_file.ts",
    text: "return { memory: EMPTY_MEMORY, warning };",
    replacement: "throw new Error(warning);",
    testFile: "lib/daemon/mesh/memory_file_test.ts",
    test: "readMemory: no text in its place is an empty memory, and said",
  },
  // A tailscaled of somebody else's tailnet gets our routes.
  {
    file: "lib/daemon/mesh/mesh.ts",
    text: 'if (decision?.kind === "none") {',
    replacement: "if (decision) {",
    testFile: "lib/daemon/mesh/mesh_test.ts",
    test: "Mesh: a tailscaled that is blocked for us is told nothing",
  },
  // Pods of other nodes lose those of this one whenever its daemon begins.
  {
    file: "lib/daemon/mesh/headscale_link.ts",
    text: "podCidrs ?? approved",
    replacement: "podCidrs ?? []",
    testFile: "lib/daemon/mesh/headscale_link_test.ts",
    test: "HeadscaleLink: as long as nobody named the pods' network, what is approved stays",
  },
  // Who gave another API key has to restart the daemon to be heard.
  {
    file: "lib/daemon/mesh/headscale_link.ts",
    text: "this.#opened?.settings === headscale",
    replacement: "this.#opened?.settings.url === headscale.url",
    testFile: "lib/daemon/mesh/headscale_link_test.ts",
    test: "HeadscaleLink: an API key that a reload brought is the one that is used",
  },
  // A node that was taken away stays in Headscale for ever.
  {
    file: "lib/daemon/mesh/leave.ts",
    text: "work.failures.length > 0",
    replacement: "work.failures.length > 9",
    testFile: "lib/daemon/mesh/leave_test.ts",
    test:
      "leaveMesh: a node that Headscale was not asked of keeps its key, by which it is found again",
  },
  // Wherever there is an exit node, pods of no node are said to be reached.
  {
    file: "lib/daemon/mesh/examine.ts",
    text: "podRoutes(peer, clusterCidrs).map(",
    replacement: "peer.allowedIps.map(",
    testFile: "lib/daemon/mesh/examine_test.ts",
    test: "examineMesh: probes pods' networks alone, neither exit nodes nor another place's office",
  },
  // A node is called ready although the tailnet was never looked at.
  {
    file: "lib/daemon/report.ts",
    text: "return mesh || hasMesh ?",
    replacement: "return mesh ?",
    testFile: "lib/daemon/report_test.ts",
    test: "readinessReasons: the tailnet was not looked at yet",
  },
  // An uninstalled node goes on drawing the traffic of its pods' networks to itself.
  {
    file: "lib/daemon/remove_from_tailnet.ts",
    text: "  await withdraw(settings, work);\n",
    replacement: "",
    testFile: "lib/daemon/remove_from_tailnet_test.ts",
    test: "removeFromTailnet: our routes go, those of the user stay",
  },
  // Nobody knows any more which routes of tailscaled's are ours.
  {
    file: "lib/daemon/remove_from_tailnet.ts",
    text: "if (left.length === 0) {",
    replacement: "if (left.length >= 0) {",
    testFile: "lib/daemon/remove_from_tailnet_test.ts",
    test: "removeFromTailnet: what tailscaled refuses is told, and stays remembered",
  },
  // What Headscale approved for an uninstalled node is forgotten.
  {
    file: "lib/daemon/remove_from_tailnet.ts",
    text: "[...advertised, ...approved]",
    replacement: "[...advertised]",
    testFile: "lib/daemon/remove_from_tailnet_test.ts",
    test: "removeFromTailnet: what Headscale approved and cannot be asked of stays remembered",
  },
  // A container stops a unit that it does not see.
  {
    file: "lib/daemon/remove_from_tailnet.ts",
    text: 'root === "" && unit.isWritten()',
    replacement: "unit.isWritten()",
    testFile: "lib/daemon/remove_from_tailnet_test.ts",
    test: "removeFromTailnet: in a container no unit is in reach",
  },
  // A unit that runs on is not written any more, so that nobody stops it.
  {
    file: "lib/delegate/service_unit.ts",
    text: "    await this.disable();\n    Deno.removeSync(this.path);\n",
    replacement: "    Deno.removeSync(this.path);\n    await this.disable();\n",
    testFile: "lib/delegate/service_unit_test.ts",
    test: "ServiceUnit: is removed once it has stopped, and stays where it does not",
  },
  // A person's "systemctl stop" fails, for our start cancels it.
  {
    file: "lib/daemon/own_tailscaled.ts",
    text: "/^(de)?activating$/.test(state)",
    replacement: "false",
    testFile: "lib/daemon/own_tailscaled_test.ts",
    test: "keepOwnTailscaled: one that is being started, or stopped, is waited for",
  },
  // Nobody hears that new settings wait for a restart.
  {
    file: "lib/daemon/own_tailscaled.ts",
    text: "return (began ?? 0) < (written ?? 0);",
    replacement: "return false;",
    testFile: "lib/daemon/own_tailscaled_test.ts",
    test: "keepOwnTailscaled: new settings are written, and a person restarts it",
  },
  // A Headscale with a certificate of its own authority is refused by a tailscaled of our own.
  {
    file: "lib/tailscale/own_unit.ts",
    text: "...own.caFile !== undefined && { SSL_CERT_FILE: own.caFile },",
    replacement: "",
    testFile: "lib/tailscale/own_unit_test.ts",
    test: "tailscaledArguments: those of the unit; MTU and certificates are variables",
  },
  // Each node at another server asks our Headscale every ten seconds, for ever.
  {
    file: "lib/daemon/mesh/mesh.ts",
    text: "if (said && (isServed || isUnknown)) return;",
    replacement: "if (said && isServed) return;",
    testFile: "lib/daemon/mesh/mesh_test.ts",
    test: "Mesh: a Headscale that does not know the node is left in peace until its own turn",
  },
  // After a reload the daemon hears of its tailscaled every thirty seconds only.
  {
    file: "lib/daemon/mesh/mesh.ts",
    text: "if (this.#followed?.socket !== socket) this.#followed?.end.abort();",
    replacement: "",
    testFile: "lib/daemon/mesh/mesh_test.ts",
    test: "Mesh.follow: other settings have another tailscaled followed, and the old one no more",
  },
  // A Headscale that hangs has the daemon killed by its liveness probe.
  {
    file: "lib/daemon/mesh/headscale_link.ts",
    text: "await this.#inTime(approveRoutes(client, nodeKey, wanted, approved))",
    replacement: "await approveRoutes(client, nodeKey, wanted, approved)",
    testFile: "lib/daemon/mesh/headscale_link_test.ts",
    test:
      "HeadscaleLink: a question ends in time, whatever the settings give it, and so do its requests",
  },
  // A node takes pods before anybody was told the way to them.
  {
    file: "lib/daemon/report.ts",
    text: "mesh && (!localCidrs || equalPrefixSets(mesh.podCidrs, localCidrs))",
    replacement: "mesh",
    testFile: "lib/daemon/report_test.ts",
    test: "readinessReasons: the tailnet was looked at before pods had this network",
  },
];
