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
    add: (request) => attach(request, attachContext),
    del: (request) => detach(request, attachContext),
    check: (request) => check(request, attachContext),
    gc: (request) => collect(request, attachContext),
    status: (request) => status(request, attachContext),
  });
}
