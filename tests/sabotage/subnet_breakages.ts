import type { Breakage } from "./breakages.ts";

/** Those of the subnet file, and of what is made of it for delegates and chains. */
export const SUBNET_BREAKAGES: readonly Breakage[] = [
  // A file that is half written gives pods addresses of somebody else's node.
  {
    file: "lib/net/prefix.ts",
    text: "inner.length >= outer.length && ",
    replacement: "",
    testFile: "lib/discovery/subnet_file_test.ts",
    test: "parseSubnetFile: subnets outside of the networks, and two of one family",
  },
  // The variables that an operator sets change nothing.
  {
    file: "lib/discovery/subnet_fields.ts",
    text: '...fields.written, ...variables("HEADCNI_", (name) => overrides[name])',
    replacement: '...variables("HEADCNI_", (name) => overrides[name]), ...fields.written',
    testFile: "lib/discovery/subnet_file_test.ts",
    test: "parseSubnetFile: variables win key by key, and are enough alone",
  },
  // A value of two YAML versions is read by the wrong one.
  {
    file: "lib/discovery/yaml_scalar.ts",
    text: "if (NUMBER_LIKE.test(text)) {",
    replacement: "if (false) {",
    testFile: "lib/discovery/plain_yaml_test.ts",
    test: "parsePlainYaml: what it does not read is refused with its line",
  },
  // The second of two equal keys wins in silence.
  {
    file: "lib/discovery/plain_yaml.ts",
    text: "if (entries.has(key)) ",
    replacement: "if (false) ",
    testFile: "lib/discovery/plain_yaml_test.ts",
    test: "parsePlainYaml: what it does not read is refused with its line",
  },
  // Pods of a daemon that does not masquerade reach nothing outside of the cluster.
  {
    file: "lib/pod/delegate.ts",
    text: "ipMasq: keys.ipMasq ?? !(subnet.ipMasq ?? false),",
    replacement: "ipMasq: keys.ipMasq ?? (subnet.ipMasq ?? true),",
    testFile: "lib/pod/delegate_test.ts",
    test: "renderDelegate: ipMasq is the contrary of the file's",
  },
  // A delegate that is ourselves runs itself until the node has no process ids left.
  {
    file: "lib/pod/delegate.ts",
    text: "...isOwnPlugin(type) ? [",
    replacement: "...false ? [",
    testFile: "lib/pod/delegate_test.ts",
    test: "renderDelegate: everything that is wrong at once",
  },
  // A pod without a default route reaches only pods of its own node.
  {
    file: "lib/pod/subnet_keys.ts",
    text: "all.push({ dst });",
    replacement: "",
    testFile: "lib/pod/subnet_keys_test.ts",
    test: "routesOf: the file's and the networks', each once",
  },
  // Pods lose their default route because the subnet file names a route.
  {
    file: "lib/pod/native_subnet.ts",
    text: "isLeftOpen ? defaultRoutesOf(subnet) : ipam.routes",
    replacement: "ipam.routes",
    testFile: "lib/pod/native_subnet_test.ts",
    test: "withSubnet: a configuration that says nothing",
  },
  // A member of a chain gets host ports that are for another: each of them is mapped twice.
  {
    file: "lib/pod/members.ts",
    text: "!isObject(capabilities) || capabilities[name] === true",
    replacement: "true || capabilities",
    testFile: "lib/pod/members_test.ts",
    test: "planMembers: runtimeConfig by what a member declares, else all of it; args for all",
  },
  // DEL undoes the tenth member of an older chain before the second.
  {
    file: "lib/pod/older_state.ts",
    text: "position(a) - position(b) || ",
    replacement: "",
    testFile: "lib/pod/older_state_test.ts",
    test: "parseOlderState: a chain in the order of ADD, with what raw members lack",
  },
  // A result names a route that the pod does not have.
  {
    file: "lib/pod/enrich.ts",
    text: "return wider ? [",
    replacement: "return !isThere ? [",
    testFile: "lib/pod/enrich_test.ts",
    test: "enrichResult: nothing that is there already, or that the pod does not do",
  },
];
