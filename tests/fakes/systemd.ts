/** A systemd that a test sees everything of: folders, and a `systemctl` that writes down its calls. */
import type { SystemdPlaces } from "../../lib/delegate/service_unit.ts";

/** One in a folder of its own. */
export class FakeSystemd implements Disposable {
  readonly root: string;
  readonly places: SystemdPlaces;

  /** @param options.isBooted false on a machine that something else runs. */
  constructor({ isBooted = true }: { readonly isBooted?: boolean } = {}) {
    this.root = Deno.makeTempDirSync({ prefix: "hct" });
    this.places = {
      booted: `${this.root}/booted`,
      units: `${this.root}/units`,
      systemctl: `${this.root}/systemctl`,
    };
    if (isBooted) Deno.mkdirSync(this.places.booted);
    Deno.mkdirSync(`${this.places.units}/multi-user.target.wants`, { recursive: true });
    const script = `#!/bin/sh
cd "${this.root}" || exit 1
echo "$*" >>calls
if [ -e fault ]; then cat fault >&2; exit 1; fi
case "$1" in
is-active) cat state; [ "$(cat state)" = active ] ;;
restart) echo active >state ;;
enable)
  [ "$2" != --now ] || { echo active >state; shift; }
  ln -sf /x "units/multi-user.target.wants/$2" ;;
disable) echo inactive >state; rm -f "units/multi-user.target.wants/$3" ;;
esac
`;
    Deno.writeTextFileSync(this.places.systemctl, script, { mode: 0o755 });
    this.setState("inactive");
  }

  setState(state: string): void {
    Deno.writeTextFileSync(`${this.root}/state`, `${state}\n`);
  }

  /** From now on every call says so, and fails. */
  fail(text: string): void {
    Deno.writeTextFileSync(`${this.root}/fault`, text);
  }

  /** Takes {@linkcode fail} back. */
  recover(): void {
    Deno.removeSync(`${this.root}/fault`);
  }

  /** The calls since the last time. */
  takeCalls(): string[] {
    try {
      const text = Deno.readTextFileSync(`${this.root}/calls`);
      Deno.removeSync(`${this.root}/calls`);
      return text.trim().split("\n");
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.root, { recursive: true });
  }
}
