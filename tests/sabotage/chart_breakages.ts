import type { Breakage } from "./breakages.ts";

/** Those of what puts us into a cluster. */
export const CHART_BREAKAGES: readonly Breakage[] = [
  // The second key takes the first one out of the Secret.
  {
    file: "scripts/deploy-with-helm.sh",
    text: '--field-manager="headcni-deploy-$1"',
    replacement: '--field-manager="headcni-deploy"',
    testFile: "scripts/deploy_with_helm_test.ts",
    test: "deploy-with-helm.sh: keys are in no command line, no value and no output",
  },
  // A key stands in the list of processes of the machine.
  {
    file: "scripts/deploy-with-helm.sh",
    text: '--from-file="$1"=/dev/fd/3',
    replacement: '--from-literal="$1=$2"',
    testFile: "scripts/deploy_with_helm_test.ts",
    test: "deploy-with-helm.sh: keys are in no command line, no value and no output",
  },
  // A second run without the flags of the first takes the settings, and the keys, away.
  {
    file: "scripts/deploy-with-helm.sh",
    text: "command+=(--reset-then-reuse-values)",
    replacement: "",
    testFile: "scripts/deploy_with_helm_test.ts",
    test: "deploy-with-helm.sh: flags of the older script become values of the chart",
  },
  // A key that was typed is told to whoever reads the log of the pipeline.
  {
    file: "scripts/deploy-with-helm.sh",
    text: "Cannot use what $1 names",
    replacement: "Cannot use $2 as $1",
    testFile: "scripts/deploy_with_helm_test.ts",
    test: "deploy-with-helm.sh: a key that stands in the command line is refused and not repeated",
  },
  // A quote in a value ends it, and what follows is another value.
  {
    file: "scripts/deploy-with-helm.sh",
    text: 'printf \'"%s"\' "${text//\\"/\\\\\\"}"',
    replacement: 'printf \'"%s"\' "$text"',
    testFile: "scripts/deploy_with_helm_test.ts",
    test: "deploy-with-helm.sh: hostile values reach the chart as they are, and nothing runs",
  },
  // Who only wanted to see what would be done has done it.
  {
    file: "scripts/deploy-with-helm.sh",
    text: "command+=(--dry-run=server)",
    replacement: ":",
    testFile: "scripts/deploy_with_helm_test.ts",
    test: "deploy-with-helm.sh: --dry-run changes nothing",
  },
  // The daemon replaces what runtimes call by a program that only its image has.
  {
    file: "chart/templates/daemonset.yaml",
    text: "          command: [/opt/headcni/headcni]\n",
    replacement: "",
    testFile: "scripts/image/dockerfile_test.ts",
    test: "Dockerfile: the program of the image installs; what is installed does all else",
  },
  // A daemon that logs beside the plugins has two volumes at one place: no pod is made.
  {
    file: "chart/templates/_settings.tpl",
    text: '(list "." "/var/log/headcni")',
    replacement: '(list ".")',
    testFile: "tests/e2e/chart_install_test.ts",
    test: "helm: logs: the folder of the plugins' log is mounted, and that of the daemon's",
  },
  // The folder of the node hides the program that is to fill it.
  {
    file: "scripts/image/Dockerfile",
    text: 'ENTRYPOINT ["/usr/lib/headcni/headcni"]',
    replacement: 'ENTRYPOINT ["/opt/headcni/headcni"]',
    testFile: "scripts/image/dockerfile_test.ts",
    test: "Dockerfile: the program of the image installs; what is installed does all else",
  },
  // Who looks in the container sees a program that is not the node's.
  {
    file: "scripts/image/Dockerfile",
    text: "RUN ln -s /opt/headcni/headcni",
    replacement: "RUN ln -s /usr/lib/headcni/headcni",
    testFile: "scripts/image/dockerfile_test.ts",
    test: "Dockerfile: the program of the image installs; what is installed does all else",
  },
  // The image of tomorrow is another one, of the same file.
  {
    file: "scripts/image/Dockerfile",
    text: "FROM ${BASE}@${BASE_DIGEST}",
    replacement: "FROM ${BASE}",
    testFile: "scripts/image/dockerfile_test.ts",
    test: "Dockerfile: every base is pinned by a digest that has no default",
  },
  // A setting that the daemon knows is refused by Helm.
  {
    file: "lib/daemon/settings/tailnet_schema.ts",
    text: "acceptDNS: setting(",
    replacement: "acceptNames: setting(",
    testFile: "tests/chart_test.ts",
    test: "values.schema.json: config has the daemon's settings, and no others",
  },
  // Of two different keys of Headscale the first one is taken without a word.
  {
    file: "lib/daemon/settings/read_text.ts",
    text: " && !(one instanceof Secret)",
    replacement: "",
    testFile: "lib/daemon/settings/read_text_test.ts",
    test: "readSettingsText: two values of a setting, under two names or one, are a fault",
  },
];
