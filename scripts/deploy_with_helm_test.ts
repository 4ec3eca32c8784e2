import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";

const SCRIPT = fromFileUrl(new URL("deploy-with-helm.sh", import.meta.url));
const CHART = fromFileUrl(new URL("../chart", import.meta.url));

/** Texts that a shell that reads them again would run, split or fill in. */
const HOSTILE = "a'b\"c\\d $(touch pwned) `touch pwned` ;touch pwned; ${HOME} * & | <x >pwned, =";
const HOSTILE_URL = "https://h.example.com/'\"\\$(touch${IFS}pwned)`touch`;&|<>,{}*";
const KEY = "k'e\"y\\$(touch${IFS}pwned)`x`;,=";
const JOIN_KEY = "hskey-auth-7f3a";

/**
 * Tells of each call by its words, what the files among them held, which are gone afterwards, and what
 * came by standard input: texts that end with NUL, the first of each record such as "#call".
 */
const RECORDER = `#!/bin/bash
{
  printf '%s\\0' '#call' "$(basename "$0")" "$@"
  for word; do
    case $word in
      --from-file=*) printf '%s\\0' '#file' "$word" "$(cat "\${word##*=}")" ;;
      *.json | *.yaml) printf '%s\\0' '#file' "$word" "$(cat "$word")" ;;
    esac
  done
  [[ $* != *--filename=-* ]] || printf '%s\\0' '#input' "$(cat)"
} >"$RECORD.$$"
# Both ends of a pipe run at once.
flock "$RECORD" sh -c 'cat "$0" >>"$1"' "$RECORD.$$" "$RECORD"
[[ $* != "get namespace"* ]] || exit "\${NAMESPACE_CODE:-0}"
[[ $* != "get secrets"* ]] || echo "\${SECRET_OWNER:-}"
[[ $* != "create secret"* ]] || echo "kind: Secret"
`;

/** How a run ended. */
interface Run {
  readonly code: number;
  readonly stderr: string;
  /** Words of the calls, in their order. */
  readonly calls: readonly (readonly string[])[];
  /** What files held, by the word that named them. */
  readonly files: ReadonlyMap<string, string>;
  /** What came by standard input, one text each. */
  readonly inputs: readonly string[];
  readonly record: string;
}

/** Runs the script in a folder of its own, between a recording kubectl and helm. */
async function deploy(
  args: (folder: string) => readonly string[],
  { stdin = "", namespaceCode = 0, secretOwner = "", tools = ["kubectl", "helm"] } = {},
): Promise<Run> {
  const folder = await Deno.makeTempDir({ prefix: "hct" });
  try {
    const bin = join(folder, "bin");
    await Deno.mkdir(bin);
    for (const name of tools) {
      await Deno.writeTextFile(join(bin, name), RECORDER, { mode: 0o755 });
    }
    await Deno.writeTextFile(join(folder, "key"), `${KEY}\n`, { mode: 0o600 });
    const hasAll = tools.length === 2;
    if (!hasAll) await Deno.symlink("/usr/bin/dirname", join(bin, "dirname"));
    const child = new Deno.Command("/bin/bash", {
      args: [SCRIPT, ...args(folder)],
      cwd: folder,
      env: {
        PATH: hasAll ? `${bin}:${Deno.env.get("PATH")}` : bin,
        RECORD: join(folder, "record"),
        NAMESPACE_CODE: String(namespaceCode),
        SECRET_OWNER: secretOwner,
      },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const writer = child.stdin.getWriter();
    // It may end without reading.
    await writer.write(new TextEncoder().encode(stdin)).then(() => writer.close()).catch(() => {});
    const { code, stderr } = await child.output();
    const record = await Deno.readTextFile(join(folder, "record")).catch(() => "");
    const names = Array.from(Deno.readDirSync(folder), ({ name }) => name);
    assert(!names.includes("pwned"), "the script ran a part of a value");
    return { code, stderr: new TextDecoder().decode(stderr), record, ...parseRecord(record) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function parseRecord(record: string): Pick<Run, "calls" | "files" | "inputs"> {
  const records = record.split(/(?<=^|\0)#/).slice(1).map((text) => text.split("\0").slice(0, -1));
  const of = (kind: string) =>
    records.filter(([first]) => first === kind).map(([, ...texts]) => texts);
  return {
    calls: of("call"),
    files: new Map(of("file").map(([word = "", text = ""]) => [word, text])),
    inputs: of("input").flat(),
  };
}

Deno.test("deploy-with-helm.sh: flags of the older script become values of the chart", async () => {
  const { code, calls, files } = await deploy(() => [
    ...["-n", "net", "-r", "edge", "-u", "https://headscale.example.com", "-k", "key"],
    ...["-p", "10.42.0.0/16", "-s", "10.43.0.0/16", "-i", "host-local"],
    ...["--tags=tag:headcni,tag:edge"],
  ]);
  assertEquals(code, 0);
  const helm = calls.find(([name]) => name === "helm") ?? [];
  const values = helm.at(-1) ?? "";
  assertEquals(helm, [
    ...["helm", "upgrade", "--install", "edge", CHART, "--namespace", "net"],
    ...["--reset-then-reuse-values", "--values", values],
  ]);
  assertEquals(JSON.parse(files.get(values) ?? ""), {
    config: {
      headscale: { url: "https://headscale.example.com" },
      network: { podCIDR: { base: "10.42.0.0/16" }, serviceCIDR: "10.43.0.0/16" },
      ipam: { type: "host-local" },
      tailscale: { tags: "tag:headcni,tag:edge" },
    },
    secret: { existingName: "edge-auth", headscaleKey: "auth-key" },
  });
  const names = calls.map(([name, ...words]) => [name, ...words.slice(0, 2)].join(" "));
  assertEquals(
    names,
    [
      "kubectl cluster-info",
      "kubectl get namespace",
      "kubectl get secrets",
      "kubectl create secret",
      "kubectl apply --server-side",
      "helm upgrade --install",
      "kubectl rollout status",
    ].filter((name) => names.includes(name)),
  );
  assertEquals(names.length, 7);
});

Deno.test("deploy-with-helm.sh: hostile values reach the chart as they are, and nothing runs", async () => {
  const { code, calls, files } = await deploy((folder) => {
    const file = join(folder, `${HOSTILE.replaceAll("/", "_")}.yaml`);
    Deno.writeTextFileSync(file, `note: ${JSON.stringify(HOSTILE)}\n`);
    return ["--headscale-url", HOSTILE_URL, "--values", file];
  });
  assertEquals(code, 0);
  const helm = calls.find(([name]) => name === "helm") ?? [];
  const [first = "", last = ""] = helm.filter((_, index) => helm[index - 1] === "--values");
  assertStringIncludes(files.get(first) ?? "", JSON.stringify(HOSTILE));
  assertEquals(JSON.parse(files.get(last) ?? ""), {
    config: { headscale: { url: HOSTILE_URL } },
  });
});

Deno.test("deploy-with-helm.sh: what would end a word or a line is refused", async () => {
  const url = ["-u", "https://h.example.com"];
  const rows: readonly string[][] = [
    ["-u", "https://h.example.com/a b"],
    ["-u", "https://h.example.com/\nx"],
    [...url, "-n", HOSTILE],
    [...url, "-r", HOSTILE],
    [...url, "-p", HOSTILE],
    [...url, "-s", "10.0.0.0/8\n"],
    [...url, "-i", HOSTILE],
    [...url, "-t", HOSTILE],
    [...url, "--image", HOSTILE],
    [...url, "--timeout", HOSTILE],
    [...url, "--values", HOSTILE],
    [...url, "--what"],
    [],
  ];
  for (const row of rows) {
    const { code, calls, stderr } = await deploy(() => row);
    assertEquals([code, calls], [2, []], row.join(" "));
    assertStringIncludes(stderr, "deploy-with-helm: Cannot ");
  }
});

Deno.test("deploy-with-helm.sh: standard input holds one key alone", async () => {
  const line = ["-u", "https://h.example.com", "-k", "-", "-j", "-"];
  const { code, calls, stderr } = await deploy(() => line, { stdin: "key\n" });
  assertEquals([code, calls], [2, []]);
  assertStringIncludes(stderr, "Cannot read two keys from standard input");
});

Deno.test("deploy-with-helm.sh: keys are in no command line, no value and no output", async () => {
  const { code, calls, files, inputs, record, stderr } = await deploy(
    () => ["-u", "https://h.example.com", "--auth-key-file=key", "--join-key-file", "-"],
    { stdin: `${JOIN_KEY}\n` },
  );
  assertEquals(code, 0);
  assertEquals(files.get("--from-file=auth-key=/dev/fd/3"), KEY);
  assertEquals(files.get("--from-file=tailscale-auth-key=/dev/fd/3"), JOIN_KEY);
  for (const key of [KEY, JOIN_KEY]) {
    assert(!calls.flat().some((word) => word.includes(key)));
    assert(!stderr.includes(key));
    assertEquals(record.split(key).length, 2, "told once, by its file");
  }
  assertEquals(inputs, ["kind: Secret", "kind: Secret"]);
  // One manager for both would take the first key away with the second.
  const applies = calls.filter(([, verb]) => verb === "apply");
  assertEquals(
    applies.map((words) => words.find((word) => word.startsWith("--field-manager="))),
    ["auth-key", "tailscale-auth-key"].map((key) => `--field-manager=headcni-deploy-${key}`),
  );
});

Deno.test("deploy-with-helm.sh: a key that is no word is refused, and a file that others may read is told of", async () => {
  const url = ["-u", "https://h.example.com"];
  for (const stdin of ["", "two words\n", "two\nlines\n"]) {
    const { code, calls, stderr } = await deploy(() => [...url, "-k", "-"], { stdin });
    assertEquals([code, calls], [2, []]);
    assertStringIncludes(stderr, "Cannot use the key of -k: one word wanted");
  }
  for (const [mode, isTold] of [[0o600, false], [0o640, true], [0o604, true]] as const) {
    const { code, stderr } = await deploy((folder) => {
      Deno.chmodSync(join(folder, "key"), mode);
      return [...url, "-k", "key"];
    });
    assertEquals([code, stderr.includes("others than you may read")], [0, isTold]);
  }
});

Deno.test("deploy-with-helm.sh: a Secret that Helm would take away is not written", async () => {
  const { code, calls, stderr } = await deploy(
    () => ["-u", "https://h.example.com", "-k", "key"],
    { secretOwner: "Helm" },
  );
  assertEquals([code, calls.filter(([name, verb]) => name === "helm" || verb === "apply")], [
    2,
    [],
  ]);
  assertStringIncludes(stderr, 'Cannot write Secret "headcni-auth": the chart made it');
});

Deno.test("deploy-with-helm.sh: a namespace of its own may hold pods that work on the node", async () => {
  const { code, calls } = await deploy(
    () => ["-u", "https://h.example.com", "-n", "new"],
    { namespaceCode: 1 },
  );
  assertEquals(code, 0);
  const made = calls.filter(([, verb]) => verb === "create" || verb === "label");
  assertEquals(made.map((words) => words.slice(1)), [
    ["create", "namespace", "new"],
    ["label", "namespace", "new", "pod-security.kubernetes.io/enforce=privileged"],
  ]);
});

Deno.test("deploy-with-helm.sh: a key that stands in the command line is refused and not repeated", async () => {
  for (const flag of ["-k", "--auth-key", "-j"]) {
    const { code, calls, stderr } = await deploy(() => ["-u", "https://h.example.com", flag, KEY]);
    assertEquals([code, calls], [2, []]);
    assertStringIncludes(stderr, "every user of this machine can see");
    assert(!stderr.includes(KEY));
  }
});

Deno.test("deploy-with-helm.sh: --dry-run changes nothing", async () => {
  const { code, calls, stderr } = await deploy(
    () => ["-u", "https://h.example.com", "-k", "key", "-n", "new", "--dry-run"],
    { namespaceCode: 1 },
  );
  assertEquals(code, 0);
  const changing = calls.filter(([name, verb]) =>
    name === "helm" || verb === "create" || verb === "apply" || verb === "label"
  );
  assertEquals(changing.map(([name]) => name), ["helm"]);
  assert(changing[0]?.includes("--dry-run=server"));
  assertStringIncludes(stderr, "would run: kubectl create namespace new");
  assertStringIncludes(stderr, 'would write auth-key into Secret "headcni-auth"');
});

Deno.test("deploy-with-helm.sh: without kubectl or helm it says which one, and touches nothing", async () => {
  for (const [tool, missing] of [["kubectl", "helm"], ["helm", "kubectl"]] as const) {
    const { code, stderr, calls } = await deploy(
      () => ["-u", "https://h.example.com"],
      { tools: [tool] },
    );
    assertEquals([code, calls], [1, []]);
    assertStringIncludes(stderr, `Cannot find ${missing}`);
  }
});
