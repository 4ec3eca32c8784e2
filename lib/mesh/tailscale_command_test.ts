import { assertEquals } from "@std/assert";
import { tailscaleCommand } from "./tailscale_command.ts";

Deno.test("tailscaleCommand: names the socket where tailscale would look at another", () => {
  const rows = [
    [undefined, "tailscale logout"],
    ["/var/run/tailscale/tailscaled.sock", "tailscale logout"],
    ["/run/tailscale/tailscaled.sock", "tailscale logout"],
    ["/run/headcni/ts.sock", "tailscale --socket=/run/headcni/ts.sock logout"],
  ] as const;
  for (const [socket, expected] of rows) assertEquals(tailscaleCommand(socket, "logout"), expected);
});
