import type { Handlers } from "../../lib/cni/protocol.ts";
import type { PluginContext } from "../context.ts";
import { logged } from "../logged.ts";
import { add } from "./add.ts";
import { check } from "./check.ts";
import { del } from "./del.ts";
import { gc } from "./gc.ts";
import { status } from "./status.ts";

/** The verbs of the IPAM plugin `headcni-ipam`. None of them looks at a pod's namespace. */
export function ipamHandlers(context: PluginContext): Handlers {
  return logged(context, {
    ADD: (request) => add(request, context),
    DEL: (request) => del(request, context),
    CHECK: (request) => check(request, context),
    GC: (request) => gc(request, context),
    STATUS: (request) => status(request, context),
  });
}
