import type { Breakage } from "./breakages.ts";

/** Those of what is decided about the tailnet: whose routes, which server, and what is said of it. */
export const MESH_BREAKAGES: readonly Breakage[] = [
  // A route that the user advertises goes with ours.
  {
    file: "lib/mesh/own_routes.ts",
    text: "hasRoute(mine, route) && !hasRoute(wanted, route)",
    replacement: "!hasRoute(wanted, route)",
    testFile: "lib/mesh/wanted_prefs_test.ts",
    test: "planPrefs: the user's routes stay in their order, ours come and go",
  },
  // A wrong setting makes the node an exit node, for which everybody's traffic comes here.
  {
    file: "lib/mesh/own_routes.ts",
    text: "podCidrs.filter((cidr) => !isExitRoute(cidr)).map(networkOf)",
    replacement: "podCidrs.map(networkOf)",
    testFile: "lib/mesh/approvals_test.ts",
    test: "planApproval: no exit route is ever approved by us, nor disapproved",
  },
  // A node that its owner made an exit node is one no more.
  {
    file: "lib/mesh/own_routes.ts",
    text: "ours.filter((route) => !isExitRoute(route)).map(networkOf)",
    replacement: "ours.map(networkOf)",
    testFile: "lib/mesh/own_routes_test.ts",
    test: "mergeRoutes: new ones last, ours that are not wanted go, others stay in their order",
  },
  // tailscaled refuses the whole change for the sake of host bits.
  {
    file: "lib/mesh/own_routes.ts",
    text: "!isExitRoute(cidr)).map(networkOf)),",
    replacement: "!isExitRoute(cidr))),",
    testFile: "lib/mesh/wanted_prefs_test.ts",
    test: "planPrefs: nothing to do where all is as it should be",
  },
  // The machine's own tailscaled gets another name, and other name servers.
  {
    file: "lib/mesh/wanted_prefs.ts",
    text: 'want.mode === "own" ? ownSteps',
    replacement: "true ? ownSteps",
    testFile: "lib/mesh/wanted_prefs_test.ts",
    test: "planPrefs: name and name resolution only of a tailscaled of our own",
  },
  // Pods of other nodes see the node's address.
  {
    file: "lib/mesh/wanted_prefs.ts",
    text: "stepIf(!have.noSnat,",
    replacement: "stepIf(have.noSnat,",
    testFile: "lib/mesh/wanted_prefs_test.ts",
    test: "planPrefs: each switch by itself, with its reason",
  },
  // What is approved before it is advertised is whoever's the CIDR is next.
  {
    file: "lib/mesh/approvals.ts",
    text: "mergeRoutes(node.approvedRoutes, own.filter(isKnown), ours)",
    replacement: "mergeRoutes(node.approvedRoutes, own, ours)",
    testFile: "lib/mesh/approvals_test.ts",
    test: "planApproval: what is not advertised yet waits",
  },
  // A machine is taken out of its owner's tailnet.
  {
    file: "lib/mesh/login.ts",
    text: 'elsewhere !== undefined && means.mode === "host"',
    replacement: 'elsewhere === "" && means.mode === "host"',
    testFile: "lib/mesh/login_test.ts",
    test: "decideLogin: a tailscaled of the machine at another server is never touched",
  },
  // The node drops out of the tailnet when its key expires, though we could get another.
  {
    file: "lib/mesh/login.ts",
    text: "if (isKeyOver(status, nowMs)) return",
    replacement: "if (false) return",
    testFile: "lib/mesh/login_test.ts",
    test: "decideLogin: an expired key, by what is said or by the clock, in whatever state",
  },
  // The key that was used for the first login is tried for ever.
  {
    file: "lib/mesh/login.ts",
    text: "canMintKey && (isAgain || hasTriedAuthKey || !canUseAuthKey)",
    replacement: "canMintKey && (hasTriedAuthKey || !canUseAuthKey)",
    testFile: "lib/mesh/login_test.ts",
    test: "decideLogin: an expired key, by what is said or by the clock, in whatever state",
  },
  // A key that never expires has expired since the year 1.
  {
    file: "lib/mesh/key_expiry.ts",
    text: "return time > 0 ? time : undefined;",
    replacement: "return Number.isNaN(time) ? undefined : time;",
    testFile: "lib/mesh/key_expiry_test.ts",
    test: "keyExpiryMs, hasExpiredKey: by the clock, by what is said, and never without a time",
  },
  // Nobody hears of a second node with the same pods.
  {
    file: "lib/mesh/conflicts.ts",
    text: "containsPrefix(prefix, route)\n",
    replacement: "containsPrefix(route, prefix) && route.length > prefix.length\n",
    testFile: "lib/mesh/conflicts_test.ts",
    test: "findConflicts: our prefix, or a part of it, of another node",
  },
  // Every exit node in the tailnet is a conflict.
  {
    file: "lib/mesh/peer_routes.ts",
    text: "filter((route) => !isExitRoute(route))",
    replacement: "slice()",
    testFile: "lib/mesh/conflicts_test.ts",
    test: "findConflicts: a wider network of another node, but no exit node",
  },
  // A node whose routes nobody approved counts as ready.
  {
    file: "lib/mesh/judge_routes.ts",
    text: "if (serves) return pass(`${shown} is served${note}`);",
    replacement: "return pass(`${shown} is served${note}`);",
    testFile: "lib/mesh/judge_routes_test.ts",
    test: "judgeServing: by tailscaled alone",
  },
  // A route to some node's pods counts as the way to all.
  {
    file: "lib/mesh/judge_routes.ts",
    text: "!hasRoute(acceptedRoutes, route)",
    replacement: "acceptedRoutes.length === 0",
    testFile: "lib/mesh/judge_routes_test.ts",
    test: "judgeAccepted: condition 3",
  },
  // What is not known passes.
  {
    file: "lib/mesh/finding.ts",
    text: '["fail", "unknown", "pass"]',
    replacement: '["fail", "pass", "unknown"]',
    testFile: "lib/mesh/judge_traffic_test.ts",
    test: "judgeForwarding: condition 7, both its halves",
  },
  // A node that nothing was sent from is never ready.
  {
    file: "lib/mesh/readiness.ts",
    text: 'verdict === "fail"',
    replacement: 'verdict !== "pass"',
    testFile: "lib/mesh/readiness_test.ts",
    test: "meshReasons: what fails, with what to do if there is something",
  },
  // Pods reach pods by TCP at some ports only, or not at all.
  {
    file: "lib/mesh/policy.ts",
    text: "`${alias}:*`",
    replacement: "`${alias}:443`",
    testFile: "lib/mesh/policy_test.ts",
    test: "formatPolicy: the whole text",
  },
  // A daemon does not start since its memory was cut by a full disk.
  {
    file: "lib/mesh/memory.ts",
    text: "return { fault: errorText(error) };",
    replacement: "throw error;",
    testFile: "lib/mesh/memory_test.ts",
    test: "parseMemory: cut anywhere, it is empty and said",
  },
  // A person changes the machine's tailscaled in the place of ours.
  {
    file: "lib/mesh/tailscale_command.ts",
    text: ": `tailscale --socket=${socket} ${words}`",
    replacement: ": `tailscale ${words}`",
    testFile: "lib/mesh/tailscale_command_test.ts",
    test: "tailscaleCommand: names the socket where tailscale would look at another",
  },
  // A node that any key brings back is let in without one.
  {
    file: "lib/mesh/lift_expiry.ts",
    text: "node.tags.length === 0 || !OWNERS_OF_TAGGED.includes(node.user)",
    replacement: "false",
    testFile: "lib/mesh/lift_expiry_test.ts",
    test: "decideExpiryLift: one of its tags alone that has expired, and no other",
  },
  // A node without an API key waits for ever, and nobody is told for what.
  {
    file: "lib/mesh/login_advice.ts",
    text: '(isLeft ? LIFT_EXPIRY : "")',
    replacement: '""',
    testFile: "lib/mesh/login_advice_test.ts",
    test: "adviseLogin: a node with tags that has expired is one for the server",
  },
  // A node is not ready for the sake of another that has to log in.
  {
    file: "lib/mesh/judge_routes.ts",
    text: "status.peers.filter((peer) => !hasExpiredKey(peer, nowMs))",
    replacement: "status.peers",
    testFile: "lib/mesh/judge_routes_test.ts",
    test: "judgeAccepted: condition 3",
  },
  // The list that a person is told to type takes back what was approved by others.
  {
    file: "lib/mesh/judge_routes.ts",
    text: "approveCommand(node, route, [...node.approvedRoutes, ...own])",
    replacement: "approveCommand(node, route, own)",
    testFile: "lib/mesh/judge_routes_test.ts",
    test: "judgeServing: by Headscale too, which knows what is missing",
  },
  // A tailscaled that a person logs out is started, and goes on to start for ever.
  {
    file: "lib/mesh/login.ts",
    text: 'if (state === "Stopped" && prefs.loggedOut)',
    replacement: 'if (state === "Stopped" && !prefs.loggedOut && prefs.wantRunning)',
    testFile: "lib/mesh/login_test.ts",
    test: "decideLogin: one that is being logged out is left alone, one without a key is logged in",
  },
  // What a person stopped for some time is started again at once.
  {
    file: "lib/mesh/login.ts",
    text: 'if (means.mode === "host" && isHeldDown(status, prefs))',
    replacement: 'if (means.mode === "own" && isHeldDown(status, prefs))',
    testFile: "lib/mesh/login_test.ts",
    test: "decideLogin: one of the machine that a person stopped stays so, whatever its key",
  },
  // A pod's address is told to be of a node that merely serves a route around it.
  {
    file: "lib/mesh/peer_routes.ts",
    text: "other.route.length - one.route.length",
    replacement: "one.route.length - other.route.length",
    testFile: "lib/mesh/peer_routes_test.ts",
    test: "findServing: the narrowest route that leads to it, and no exit node",
  },
  // Where netlink is shut people look for a fault of tailscaled's.
  {
    file: "lib/mesh/judge_routes.ts",
    text: "if (kernelTrouble !== undefined)",
    replacement: 'if (kernelTrouble === "")',
    testFile: "lib/daemon/mesh/examine_test.ts",
    test:
      "examineMesh: a kernel that does not answer is told as such, and tailscaled as what it is",
  },
  // A clock that jumps ahead costs a login each ten minutes.
  {
    file: "lib/mesh/login.ts",
    text: 'backendState === "Running" ? self?.isExpired === true :',
    replacement: "",
    testFile: "lib/mesh/login_test.ts",
    test: "decideLogin: a clock that is ahead of tailscaled's control server ends no key",
  },
  // What nudged Headscale is advertised for ever.
  {
    file: "lib/mesh/own_routes.ts",
    text: ".map(networkOf), NUDGE_ROUTE];",
    replacement: ".map(networkOf)];",
    testFile: "lib/mesh/own_routes_test.ts",
    test: "mergeRoutes: new ones last, ours that are not wanted go, others stay in their order",
  },
];
