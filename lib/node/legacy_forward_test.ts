import { assertEquals } from "@std/assert";
import { parsePrefix } from "../net/prefix.ts";
import { planLegacyForward } from "./legacy_forward.ts";

const POD_CIDRS = ["10.1.1.5/24", "fd00:1::/64"].map(parsePrefix);
const DROP = "-P FORWARD DROP";
const JUMP = '-A FORWARD -m comment --comment "headcni: forward pods" -j HEADCNI-FORWARD';
const ACCEPTS = [
  "-A HEADCNI-FORWARD -s 10.1.1.0/24 -j ACCEPT",
  "-A HEADCNI-FORWARD -d 10.1.1.0/24 -j ACCEPT",
];
const OURS = ["-N HEADCNI-FORWARD", ...ACCEPTS];
const INSERT = JUMP.replace("-A FORWARD", "-I FORWARD 1");
const WRITE = [":HEADCNI-FORWARD - [0:0]", ...ACCEPTS];
const REMOVE = [JUMP.replace("-A", "-D"), "-F HEADCNI-FORWARD", "-X HEADCNI-FORWARD"];

Deno.test("planLegacyForward: adds what is missing, removes what is not needed", () => {
  const cases: [string, readonly string[], readonly string[] | undefined, readonly string[]][] = [
    ["accepts by policy", ["-P FORWARD ACCEPT"], undefined, []],
    ["drops by policy", [DROP, "-A FORWARD -j DOCKER-USER"], undefined, [...WRITE, INSERT]],
    ["all is there", [DROP, "-A FORWARD -j DOCKER-USER", JUMP], OURS, []],
    ["the rule is gone", [DROP], OURS, [INSERT]],
    ["our chain was changed", [DROP, JUMP], OURS.slice(0, 2), WRITE],
    ["it drops no more", ["-P FORWARD ACCEPT", JUMP], OURS, REMOVE],
  ];
  for (const [name, forward, ours, expected] of cases) {
    const lines = planLegacyForward(4, POD_CIDRS, { forward, ours });
    assertEquals(lines, expected.length === 0 ? [] : ["*filter", ...expected, "COMMIT"], name);
  }
});

Deno.test("planLegacyForward: each family has rules of its own; no pods, no rules", () => {
  const accept = "-A HEADCNI-FORWARD -s fd00:1::/64 -j ACCEPT";
  assertEquals(planLegacyForward(6, POD_CIDRS, { forward: [DROP], ours: undefined })[2], accept);
  assertEquals(planLegacyForward(4, [], { forward: [DROP], ours: undefined }), []);
});
