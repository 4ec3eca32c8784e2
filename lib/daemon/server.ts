/** The daemon's own HTTP: health and metrics, on a socket for root and on TCP. */
import { Hono } from "@hono/hono";
import { HeadcniError } from "../errors.ts";
import { log } from "../log.ts";
import type { HealthReport } from "./health.ts";

/** What is served. */
export interface ServedNode {
  /** Parts of the daemon that have stopped; none keeps it alive. */
  stuck(): readonly string[];
  health(): HealthReport;
  /** Text of the exposition format. */
  metrics(): Promise<{ readonly contentType: string; readonly text: string }>;
  /** Everything about the node, as JSON. */
  status(): unknown;
}

/** Where it is served. */
export interface ServeOptions {
  /** Path of the socket; its directory is there. */
  readonly socket: string;
  /** None when undefined. */
  readonly tcp: { readonly hostname: string; readonly port: number } | undefined;
  /** Path of the metrics, such as `/metrics`. */
  readonly metricsPath: string;
}

/** Servers that run until they are disposed of. */
export interface Served extends AsyncDisposable {
  /** The port that was taken, where TCP is listened on. */
  readonly port: number | undefined;
  /**
   * Listens on TCP where that is wanted and not so yet.
   * @throws HeadcniError `io-failure` when the address cannot be had.
   */
  listen(): void;
}

/** The answers, whatever they come through. */
export function nodeApp(node: ServedNode, metricsPath: string): Hono {
  const app = new Hono();
  app.get("/livez", (c) => {
    const stuck = node.stuck();
    return stuck.length === 0 ? c.text("ok\n") : c.text(`${stuck.join("\n")}\n`, 503);
  });
  app.get("/healthz", (c) => c.redirect("/livez"));
  app.get("/readyz", (c) => {
    const { reasons } = node.health();
    return reasons.length === 0 ? c.text("ok\n") : c.text(`${reasons.join("\n")}\n`, 503);
  });
  app.get("/health", (c) => {
    const report = node.health();
    return c.json(report, report.status === "healthy" ? 200 : 503);
  });
  app.get("/status", (c) => c.json(Object(node.status())));
  app.get(metricsPath, async (c) => {
    const { contentType, text } = await node.metrics();
    return c.body(text, 200, { "content-type": contentType });
  });
  return app;
}

/**
 * Serves on a socket that only root may use (0600), and on TCP as soon as {@linkcode Served.listen} is
 * called.
 * @throws HeadcniError `io-failure` when the socket cannot be had.
 */
export async function serveNode(node: ServedNode, options: ServeOptions): Promise<Served> {
  const { socket, tcp, metricsPath } = options;
  const app = nodeApp(node, metricsPath);
  const handle = (request: Request) => app.fetch(request);
  await using opened = new AsyncDisposableStack();
  const listening = { onListen: () => {} };
  // One that was killed leaves its socket; whoever holds the lock of the daemon is the only one.
  await Deno.remove(socket).catch(() => {});
  const mask = Deno.umask(0o177);
  try {
    open(socket, () => opened.use(Deno.serve({ ...listening, path: socket }, handle)));
  } finally {
    Deno.umask(mask);
  }
  const servers = opened.move();
  let server: Deno.HttpServer<Deno.NetAddr> | undefined;
  return {
    get port() {
      return server?.addr.port;
    },
    listen() {
      if (!tcp || server) return;
      const listen = () => servers.use(Deno.serve({ ...listening, ...tcp }, handle));
      server = open(`${tcp.hostname}:${tcp.port}`, listen);
      log.info("Serve metrics", {
        address: tcp.hostname,
        port: server.addr.port,
        path: metricsPath,
      });
    },
    async [Symbol.asyncDispose]() {
      await servers[Symbol.asyncDispose]();
      await Deno.remove(socket).catch(() => {}); // gone already
      log.debug("Closed the servers");
    },
  };
}

function open<T>(address: string, listen: () => T): T {
  try {
    return listen();
  } catch (cause) {
    throw new HeadcniError("io-failure", `Cannot listen on "${address}": ${String(cause)}`, {
      cause,
    });
  }
}
