import { assertEquals, assertRejects } from "@std/assert";
import { FakeSystemd } from "../../tests/fakes/systemd.ts";
import { ClientError } from "../errors.ts";
import { ServiceUnit } from "./service_unit.ts";

const NAME = "headcni-tailscaled.service";

Deno.test("ServiceUnit: enable, ask and disable are calls of systemctl", async () => {
  using systemd = new FakeSystemd();
  const unit = new ServiceUnit(NAME, systemd.places);
  assertEquals([unit.isPossible(), unit.isWritten(), unit.isEnabled()], [true, false, false]);
  Deno.writeTextFileSync(unit.path, "[Unit]\n");
  await unit.reload();
  assertEquals(await unit.state(), "inactive");
  await unit.enable();
  assertEquals([await unit.state(), unit.isWritten(), unit.isEnabled()], ["active", true, true]);
  await unit.disable();
  assertEquals([await unit.state(), unit.isEnabled()], ["inactive", false]);
  assertEquals(systemd.takeCalls(), [
    "daemon-reload",
    `is-active ${NAME}`,
    `enable --now ${NAME}`,
    `is-active ${NAME}`,
    `disable --now ${NAME}`,
    `is-active ${NAME}`,
  ]);
});

Deno.test("ServiceUnit: is removed once it has stopped, and stays where it does not", async () => {
  using systemd = new FakeSystemd();
  const unit = new ServiceUnit(NAME, systemd.places);
  Deno.writeTextFileSync(unit.path, "[Unit]\n");
  await unit.enable();
  systemd.fail("Access denied");
  await assertRejects(() => unit.remove(), ClientError, "Access denied");
  assertEquals([unit.isWritten(), unit.isEnabled()], [true, true]);
  systemd.recover();
  systemd.takeCalls();
  await unit.remove();
  assertEquals([unit.isWritten(), unit.isEnabled()], [false, false]);
  assertEquals(systemd.takeCalls(), [`disable --now ${NAME}`, "daemon-reload"]);
});

Deno.test("ServiceUnit: enabled for the next start of the machine, and started anew", async () => {
  using systemd = new FakeSystemd();
  const unit = new ServiceUnit(NAME, systemd.places);
  await unit.enableOnly();
  await unit.restart(20_000);
  assertEquals([unit.isEnabled(), await unit.state()], [true, "active"]);
  assertEquals(systemd.takeCalls(), [
    `enable ${NAME}`,
    `restart ${NAME}`,
    `is-active ${NAME}`,
  ]);
  systemd.fail("Job for it failed.\n");
  await assertRejects(() => unit.restart(20_000), ClientError, `Cannot start "${NAME}": Job for`);
});

Deno.test("ServiceUnit: a machine without systemd", () => {
  using systemd = new FakeSystemd({ isBooted: false });
  assertEquals(new ServiceUnit(NAME, systemd.places).isPossible(), false);
});

Deno.test("ServiceUnit: what systemctl says is told, and where more is", async () => {
  using systemd = new FakeSystemd();
  systemd.fail("Failed to enable unit:\nUnit file is masked.\n");
  const unit = new ServiceUnit(NAME, systemd.places);
  await assertRejects(
    () => unit.enable(),
    ClientError,
    `Cannot start "${NAME}": Failed to enable unit:; Unit file is masked.; ` +
      `see "journalctl -u ${NAME}"`,
  );
  const missing = new ServiceUnit(NAME, { ...systemd.places, systemctl: "/nonexistent/x" });
  await assertRejects(() => missing.reload(), ClientError, "Cannot reload the units of systemd");
});
