import type { AttachContext } from "../../lib/attach/context.ts";
import type { Handlers } from "../../lib/cni/protocol.ts";
import { bootId, openFirewall, openHost } from "../../lib/platform.ts";
import type { PluginContext } from "../context.ts";
import { logged } from "../logged.ts";
import { add } from "./add.ts";
import { check } from "./check.ts";
import { del } from "./del.ts";
import { gc } from "./gc.ts";
import { status } from "./status.ts";

/** The verbs of the IPAM plugin `headcni-ipam`. None of them looks at a pod's namespace. */
export function ipamHandlers(context: PluginContext): Handlers {
  const attachContext: AttachContext = {
    node: { openHost, openFirewall, bootId },
    runDirectory: context.runDir,
    dataDirectory: context.dataDir,
    allowOwnNetns: context.allowOwnNetns,
    nowMs: context.nowMs,
  };
  return logged(context, {
    ADD: (request) => add(request, attachContext),
    DEL: (request) => del(request, attachContext),
    CHECK: (request) => check(request, attachContext),
    GC: (request) => gc(request, attachContext),
    STATUS: (request) => status(request, attachContext),
  });
}
