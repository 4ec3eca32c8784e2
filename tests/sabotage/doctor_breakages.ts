import type { Breakage } from "./breakages.ts";

/** Those of the doctor. */
export const DOCTOR_BREAKAGES: readonly Breakage[] = [
  // What could not be looked at is called good, or ends everything.
  {
    file: "lib/doctor/check.ts",
    text: 'return "blind" in look ? skip(look.blind) : judge(look.saw);',
    replacement:
      'return "blind" in look ? { ...skip(look.blind), verdict: "pass" } : judge(look.saw);',
    testFile: "lib/doctor/checks_test.ts",
    test: "CHECKS: what cannot be seen is neither good nor bad, and says why",
  },
  // A configuration of another that the runtime takes first is not told of.
  {
    file: "lib/doctor/runtime_checks.ts",
    text: "const at = loaded.findIndex(isOurs);",
    replacement: "const at = -1;",
    testFile: "lib/doctor/checks_test.ts",
    test: "conflist-first: fail: /etc/cni/net.d/00-flannel.conf",
  },
  // The same range on every node passes for this node's own.
  {
    file: "lib/doctor/pod_network_checks.ts",
    text: "containsPrefix(cidr, subnet)",
    replacement: "containsPrefix(subnet, cidr)",
    testFile: "lib/doctor/checks_test.ts",
    test: "fixed-subnet: fail: /x.conf gives addresses of 10.244.0.0/16",
  },
  // A conntrack table that is full is no more than a warning.
  {
    file: "lib/doctor/kernel_checks.ts",
    text: "if (count >= max * FULL) return fail(seen, fix);",
    replacement: "",
    testFile: "lib/doctor/checks_test.ts",
    test: "conntrack: fail: 1000 of 1000",
  },
  // Who may not look is not told that root may.
  {
    file: "lib/daemon/doctor/examine.ts",
    text: "if (error instanceof KernelError && FORBIDDEN.includes(error.errno)) return true;",
    replacement: "",
    testFile: "lib/daemon/doctor/examine_test.ts",
    test: "examineNode: where the kernel refuses, who may look is told; nothing else suffers",
  },
  // A plugin of another release passes for this one.
  {
    file: "lib/daemon/binaries.ts",
    text: "wanted === undefined || hash === wanted ?",
    replacement: "hash !== undefined ?",
    testFile: "lib/daemon/binaries_test.ts",
    test: "examineBinaries: tells what stands under each name, and changes nothing",
  },
];
