/** The protocol between runtime and plugin, on the real program. Nothing here reaches the kernel. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { seededRandom } from "../fakes/seeded_random.ts";
import { executableFile, type ProgramCall, runProgram } from "./program.ts";

const MEBIBYTE = 1024 * 1024;

/** An environment that is good for every verb, on a namespace that does not exist. */
const ENV = {
  CNI_CONTAINERID: "c1",
  CNI_NETNS: "/run/netns/hct-none",
  CNI_IFNAME: "eth0",
  CNI_PATH: "/nonexistent",
};
const CONFIG =
  `{"cniVersion":"1.0.0","name":"pods","type":"headcni","ipam":{"subnet":"10.0.0.0/24"}}`;

/** Runs a verb; the log and the state go to a directory that is removed afterwards. */
async function call(
  command: string | undefined,
  { env = ENV, ...rest }: ProgramCall = {},
): Promise<Awaited<ReturnType<typeof runProgram>>> {
  const directory = await Deno.makeTempDir();
  try {
    return await runProgram({
      ...rest,
      env: {
        ...env,
        ...command !== undefined && { CNI_COMMAND: command },
        HEADCNI_DATA_DIR: `${directory}/data`,
        HEADCNI_RUN_DIR: `${directory}/run`,
        HEADCNI_RESULTS_DIR: `${directory}/results`,
        HEADCNI_LOG_FILE: `${directory}/log`,
      },
    });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** Asserts that a call failed with exactly one error object, and answers it. */
function errorOf({ code, stdout }: Awaited<ReturnType<typeof runProgram>>) {
  assertEquals(code, 1);
  assertMatch(stdout, /^\{.*\}\n$/);
  return JSON.parse(stdout);
}

Deno.test("headcni: without a command says what it is on stderr", async () => {
  const { code, stdout, stderr } = await call(undefined, { env: {} });
  assertEquals([code, stdout], [0, ""]);
  assertMatch(stderr, /^HeadCNI .*\nCNI protocol versions supported: 0\.1\.0, .*1\.1\.0\n$/);
});

Deno.test("headcni: VERSION with the dummies of podman echoes the caller's version", async () => {
  const dummies = { CNI_ARGS: "", CNI_CONTAINERID: "", CNI_IFNAME: "dummy", CNI_NETNS: "dummy" };
  const env = { ...dummies, CNI_PATH: "dummy" };
  const { code, stdout, stderr } = await call("VERSION", { env, stdin: '{"cniVersion":"0.4.0"}' });
  assertEquals([code, stderr], [0, ""]);
  assertEquals(JSON.parse(stdout), {
    cniVersion: "0.4.0",
    supportedVersions: ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"],
  });
});

Deno.test("headcni: VERSION needs neither environment nor input", async () => {
  for (const stdin of ["", "garbage"]) {
    const { code, stdout } = await call("VERSION", { env: {}, stdin });
    assertEquals([code, JSON.parse(stdout).cniVersion], [0, "1.1.0"]);
  }
});

Deno.test("headcni: an unknown command is code 4", async () => {
  const { code, msg, cniVersion } = errorOf(await call("NOPE", { stdin: CONFIG }));
  assertEquals([code, msg, cniVersion], [4, "unknown CNI_COMMAND: NOPE", "1.1.0"]);
});

Deno.test("headcni: all missing variables are named at once", async () => {
  const rows: [string, string][] = [
    ["ADD", "CNI_CONTAINERID,CNI_NETNS,CNI_IFNAME,CNI_PATH"],
    ["DEL", "CNI_CONTAINERID,CNI_IFNAME,CNI_PATH"],
    ["CHECK", "CNI_CONTAINERID,CNI_NETNS,CNI_IFNAME,CNI_PATH"],
    ["GC", "CNI_PATH"],
  ];
  for (const [verb, missing] of rows) {
    const { code, msg } = errorOf(await call(verb, { env: {}, stdin: CONFIG }));
    assertEquals([code, msg], [4, `required env variables [${missing}] missing`]);
  }
});

Deno.test("headcni: malformed variables are code 4", async () => {
  for (
    const bad of [
      { CNI_CONTAINERID: "../../etc/passwd" },
      { CNI_CONTAINERID: "a".repeat(300) },
      { CNI_IFNAME: "a/b" },
      { CNI_IFNAME: "longer-than-15-bytes" },
      { CNI_ARGS: "no pair" },
      { CNI_ARGS: "OTHER=1" },
    ]
  ) {
    const error = errorOf(await call("ADD", { env: { ...ENV, ...bad }, stdin: CONFIG }));
    assertEquals(error.code, 4, JSON.stringify(bad));
  }
});

Deno.test("headcni: input that is no network configuration is code 6", async () => {
  const { random } = seededRandom();
  const noise = Uint8Array.from({ length: 4096 }, () => random(256));
  for (
    const stdin of [
      "",
      "garbage",
      '{"name":',
      "null",
      "[]",
      noise,
      new Uint8Array(10 * MEBIBYTE),
      `{"cniVersion":"1.0.0","name":"pods","padding":"${"x".repeat(10 * MEBIBYTE)}"}`,
    ]
  ) {
    for (const verb of ["ADD", "DEL"]) {
      assertEquals(errorOf(await call(verb, { stdin })).code, 6);
    }
  }
});

Deno.test("headcni: names and versions that it cannot take have codes 7 and 1", async () => {
  const rows: [string, string, number][] = [
    ["ADD", '{"cniVersion":"1.0.0"}', 7],
    ["DEL", '{"cniVersion":"1.0.0","name":"../x"}', 7],
    ["ADD", `{"cniVersion":"1.0.0","name":"${"n".repeat(300)}"}`, 7],
    ["ADD", '{"cniVersion":"1.0","name":"pods"}', 1],
    ["CHECK", '{"cniVersion":"0.3.1","name":"pods"}', 1],
    ["STATUS", '{"cniVersion":"1.0.0","name":"pods"}', 1],
    ["GC", '{"cniVersion":"nope","name":"pods"}', 6],
  ];
  for (const [verb, stdin, code] of rows) {
    assertEquals(errorOf(await call(verb, { stdin })).code, code, stdin);
  }
});

Deno.test("headcni: a configuration of some megabytes is read whole", async () => {
  const padding = "x".repeat(5 * MEBIBYTE);
  const stdin = `{"padding":"${padding}","cniVersion":"0.4.0","name":"pods","ipam":5}`;
  const { code, cniVersion, msg } = errorOf(await call("ADD", { stdin }));
  assertEquals([code, cniVersion], [7, "0.4.0"]);
  assertStringIncludes(msg, "ipam: an object wanted, got 5");
});

Deno.test("headcni: a namespace that is not there is code 8", async () => {
  assertEquals(errorOf(await call("ADD", { stdin: CONFIG })).code, 8);
});

Deno.test("headcni: a configuration without a type is for IPAM, which opens no namespace", async () => {
  const stdin = CONFIG.replace('"type":"headcni",', "");
  const { code, stdout } = await call("ADD", { stdin });
  assertEquals([code, JSON.parse(stdout).ips[0].address], [0, "10.0.0.2/24"]);
});

Deno.test("headcni: a stack overflow is an error object", async () => {
  const deep = "[".repeat(100_000) + "]".repeat(100_000);
  const stdin = `{"cniVersion":"1.0.0","name":"pods","runtimeConfig":{"x":${deep}}}`;
  const { code, msg } = errorOf(await call("ADD", { stdin }));
  assertEquals([code, msg], [999, "Maximum call stack size exceeded"]);
});

Deno.test("headcni: what nobody catches is one error object", async () => {
  const never = "new Promise(() => {})";
  const rows: [string, string][] = [
    [`Deno.stdin.read = () => { Promise.reject(new Error("lost")); return ${never}; };`, "lost"],
    [
      `Deno.stdin.read = () => { queueMicrotask(() => { throw new Error("thrown"); }); };`,
      "thrown",
    ],
    [
      `Deno.stdin.read = () => ${never}; AbortSignal.timeout = () => new EventTarget();`,
      "Cannot finish the call: it waits for something that never comes",
    ],
    [
      `Deno.stdin.read = () => { Promise.reject(new Error("one")); ` +
      `queueMicrotask(() => { throw new Error("two"); }); return ${never}; };`,
      "two",
    ],
  ];
  for (const [script, text] of rows) {
    const preload = `data:text/javascript,${encodeURIComponent(script)}`;
    const { code, msg } = errorOf(await call("VERSION", { preload }));
    assertEquals([code, msg], [999, text]);
  }
});

Deno.test("headcni: fails when nobody reads its answer", async () => {
  const { code, stdout } = await call("VERSION", { closeStdout: true });
  assertEquals([code, stdout], [1, ""]);
});

Deno.test("headcni: subcommands reach the programs beside the plugin", async () => {
  const version = await runProgram({ args: ["version"] });
  assertEquals([version.code, version.stdout.startsWith("headcni ")], [0, true]);
  const daemon = await runProgram({ args: ["daemon"] });
  assertEquals([daemon.code, daemon.stdout], [2, ""]);
  assertStringIncludes(daemon.stderr, "Cannot use the settings of the daemon");
  const unknown = await runProgram({ args: ["nonsense"] });
  assertEquals([unknown.code, unknown.stdout], [2, ""]);
});

Deno.test("headcni: symlinks and copies choose the role by their name", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const original = await executableFile(directory);
    for (const place of [Deno.symlink, Deno.copyFile]) {
      for (
        const [name, code, text] of [
          ["headcni-ipam", 0, '"address":"10.0.0.2/24"'],
          ["ipam-plugin", 0, '"address":"10.0.0.2/24"'],
          ["ipam-cni", 1, "hct-none"],
          ["loopback", 1, "hct-none"],
          ["headcni-daemon", 2, "Cannot use the settings of the daemon"],
        ] as const
      ) {
        const executable = `${directory}/${name}`;
        await place(original, executable);
        const outcome = await call("ADD", { executable, stdin: CONFIG });
        assertEquals(outcome.code, code, name);
        assertStringIncludes(outcome.stdout + outcome.stderr, text);
        await Deno.remove(executable);
      }
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
