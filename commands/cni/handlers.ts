import { attach } from "../../lib/attach/attach.ts";
import { check } from "../../lib/attach/check.ts";
import { collect } from "../../lib/attach/collect.ts";
import type { AttachContext } from "../../lib/attach/context.ts";
import { detach } from "../../lib/attach/detach.ts";
import { status } from "../../lib/attach/status.ts";
import type { Handlers } from "../../lib/cni/protocol.ts";
import { bootId, openFirewall, openHost } from "../../lib/platform.ts";
import type { PluginContext } from "../context.ts";
import { logged } from "../logged.ts";

/** The verbs of the network plugin `headcni`. */
export function cniHandlers(context: PluginContext): Handlers {
  const attachContext: AttachContext = {
    node: { openHost, openFirewall, bootId },
    runDirectory: context.runDir,
    dataDirectory: context.dataDir,
    allowOwnNetns: context.allowOwnNetns,
    nowMs: context.nowMs,
  };
  return logged(context, {
    ADD: (request) => attach(request, attachContext),
    DEL: (request) => detach(request, attachContext),
    CHECK: (request) => check(request, attachContext),
    GC: (request) => collect(request, attachContext),
    STATUS: (request) => status(request, attachContext),
  });
}
