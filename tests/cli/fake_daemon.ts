/** What answers in the place of the daemon, by its own server. */
import { counter, EXPOSITION_TYPE, formatFamilies, gauge } from "../../lib/daemon/exposition.ts";
import { histogramSamples } from "../../lib/daemon/exposition.ts";
import { loadSettings } from "../../lib/daemon/settings/load.ts";
import { readFlags } from "../../lib/daemon/settings/read_flags.ts";
import { emptyReport } from "../../lib/daemon/report.ts";
import { type Served, serveNode } from "../../lib/daemon/server.ts";
import { nodeStatus } from "../../lib/daemon/tell_status.ts";

const FAMILIES = [
  counter("headcni_repairs_total", "What was mended", [
    { labels: { kind: "rule" }, value: 2 },
    { labels: { kind: "bridge" }, value: 0 },
  ]),
  gauge("headcni_leases", "Leases at the last look", [{ labels: { network: "pods" }, value: 4 }]),
  gauge("headcni_mesh_ready", "Whether the mesh is", [{ labels: {}, value: 1 }]),
  {
    name: "headcni_pod_network_setup_duration_seconds",
    help: "How long",
    type: "histogram" as const,
    samples: histogramSamples({ network: "pods" }, [[0.1, 3], [Infinity, 1]], 0.5),
  },
];

/** A daemon that has seen nothing yet, and has some metrics. */
export class FakeDaemon implements AsyncDisposable {
  readonly #served: Served;

  private constructor(served: Served) {
    this.#served = served;
  }

  /** Serves on a socket, and on any port of the loopback address. */
  static async serve(socket: string): Promise<FakeDaemon> {
    await Deno.mkdir(socket.replace(/\/[^/]*$/, ""), { recursive: true });
    const line = readFlags(["--node-name", "worker-1"]);
    const loaded = loadSettings({ line, env: {}, defaultPath: "" });
    const served = await serveNode({
      stuck: () => [],
      health: () => ({ status: "healthy", timestamp: "", services: {}, uptime: "0s", reasons: [] }),
      metrics: () =>
        Promise.resolve({ contentType: EXPOSITION_TYPE, text: formatFamilies(FAMILIES) }),
      status: () => nodeStatus(loaded, emptyReport()),
    }, { socket, tcp: { hostname: "127.0.0.1", port: 0 }, metricsPath: "/metrics" });
    served.listen();
    return new FakeDaemon(served);
  }

  get port(): number {
    return this.#served.port ?? 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#served[Symbol.asyncDispose]();
  }
}
