/**
 * Run by a test with `--unstable-net`, in the place of systemctl(1): runs one service of type `notify`
 * from its unit, and waits until that says that it is ready, as systemd does. The first argument is the
 * folder in which it keeps what it knows; there its calls are, too, a line each.
 */
const [folder = "", verb = "", ...rest] = Deno.args;
const UNITS = "/etc/systemd/system";
const name = rest.at(-1) ?? "";
const wants = `${UNITS}/multi-user.target.wants`;

Deno.writeTextFileSync(`${folder}/calls`, `${[verb, ...rest].join(" ")}\n`, { append: true });
switch (verb) {
  case "daemon-reload":
    break;
  case "is-active": {
    const isActive = servicePid() !== undefined;
    console.log(isActive ? "active" : "inactive");
    Deno.exit(isActive ? 0 : 3);
    break;
  }
  case "enable":
    Deno.mkdirSync(wants, { recursive: true });
    Deno.symlinkSync(`${UNITS}/${name}`, `${wants}/${name}`);
    break;
  case "disable":
    Deno.removeSync(`${wants}/${name}`);
    await stop();
    break;
  case "restart":
    await stop();
    await start();
    break;
  default:
    console.error(`Unknown command verb ${verb}`);
    Deno.exit(1);
}

function servicePid(): number | undefined {
  try {
    const pid = Number(Deno.readTextFileSync(`${folder}/pid`));
    // A process that ended and has no parent that waits is there as a zombie.
    const [, state] = /\) (\w) /.exec(Deno.readTextFileSync(`/proc/${pid}/stat`)) ?? [];
    return state === "Z" ? undefined : pid;
  } catch {
    return undefined;
  }
}

async function stop(): Promise<void> {
  const pid = servicePid();
  if (pid === undefined) return;
  const ended = new Deno.Command("tail", { args: [`--pid=${pid}`, "-f", "/dev/null"] }).output();
  Deno.kill(pid, "SIGTERM");
  await ended;
}

async function start(): Promise<void> {
  const unit = Deno.readTextFileSync(`${UNITS}/${name}`);
  const [, command = ""] = /^ExecStart=(.*)$/m.exec(unit) ?? [];
  const path = `${folder}/notify`;
  await Deno.remove(path).catch(() => {});
  const socket = Deno.listenDatagram({ transport: "unixpacket", path });
  const child = new Deno.Command("sh", {
    args: ["-c", `exec ${command} >>${folder}/log 2>&1`],
    env: { PATH: Deno.env.get("PATH") ?? "", NOTIFY_SOCKET: path },
    clearEnv: true,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  Deno.writeTextFileSync(`${folder}/pid`, String(child.pid));
  const ready = (async () => {
    for await (const [datagram] of socket) {
      if (new TextDecoder().decode(datagram).includes("READY=1")) return true;
    }
    return false;
  })();
  if (await Promise.race([ready, child.status.then(() => false)])) Deno.exit(0);
  console.error(`Job for ${name} failed because the control process exited with error code.`);
  Deno.exit(1);
}
