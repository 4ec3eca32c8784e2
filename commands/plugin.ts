import { type Answer, answerCall, type Handlers } from "../lib/cni/protocol.ts";
import type { Environment } from "../lib/cni/environment.ts";
import { MAX_CONFIG_BYTES } from "../lib/cni/network_config.ts";
import type { Request } from "../lib/cni/request.ts";
import { cniHandlers } from "./cni/handlers.ts";
import { type PluginContext, pluginContext } from "./context.ts";
import { ipamHandlers } from "./ipam/handlers.ts";
import { loopbackHandlers } from "./loopback/handlers.ts";
import type { PluginRole } from "./role.ts";
import { peekStdin, readStdin, writeAll } from "./streams.ts";

/** Answers one call of a container runtime. */
export function answerPluginCall(role: PluginRole, env: Environment): Promise<Answer> {
  const call = { env, readStdin: () => readStdin(MAX_CONFIG_BYTES), peekStdin };
  return answerCall(call, pluginHandlers(role, pluginContext(env)));
}

/**
 * Prints an answer. An ADD that nobody can be told of is taken back: its caller counts it as failed.
 * @returns the exit code.
 */
export async function deliver(answer: Answer): Promise<number> {
  try {
    writeAll(Deno.stdout, answer.stdout);
    writeAll(Deno.stderr, answer.stderr);
    return answer.exitCode;
  } catch {
    await answer.undo?.();
    return 1;
  }
}

function pluginHandlers(role: PluginRole, context: PluginContext): Handlers {
  if (role === "loopback") return loopbackHandlers(context);
  if (role === "ipam") return ipamHandlers(context);
  return chooseByType(cniHandlers(context), ipamHandlers(context));
}

/** A configuration without a `type` has nothing but addresses to give: it is for IPAM. */
function chooseByType(typed: Handlers, untyped: Handlers): Handlers {
  const of = ({ config }: Request) => config.type === undefined ? untyped : typed;
  return {
    ADD: (request) => of(request).ADD(request),
    DEL: (request) => of(request).DEL(request),
    CHECK: (request) => of(request).CHECK(request),
    GC: (request) => of(request).GC(request),
    STATUS: (request) => of(request).STATUS(request),
    ...typed.VERSION && { VERSION: typed.VERSION },
  };
}
