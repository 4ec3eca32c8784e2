import { attach } from "../../lib/attach/attach.ts";
import { check } from "../../lib/attach/check.ts";
import { collect } from "../../lib/attach/collect.ts";
import { detach } from "../../lib/attach/detach.ts";
import { status } from "../../lib/attach/status.ts";
import { commonVersions } from "../../lib/attach/versions.ts";
import type { Handlers } from "../../lib/cni/protocol.ts";
import type { PluginContext } from "../context.ts";
import { logged } from "../logged.ts";

/** The verbs of the network plugin `headcni`. */
export function cniHandlers(context: PluginContext): Handlers {
  return logged(context, {
    ADD: (request) => attach(request, context),
    DEL: (request) => detach(request, context),
    CHECK: (request) => check(request, context),
    GC: (request) => collect(request, context),
    STATUS: (request) => status(request, context),
    VERSION: commonVersions,
  });
}
