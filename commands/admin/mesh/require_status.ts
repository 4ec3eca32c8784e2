import type { MeshSight } from "../../../lib/daemon/mesh/look.ts";
import { ClientError } from "../../../lib/errors.ts";
import type { TailnetStatus } from "../../../lib/mesh/tailnet.ts";

/** @throws ClientError that says why tailscaled told nothing. */
export function requireStatus({ status, trouble }: MeshSight): TailnetStatus {
  if (status) return status;
  throw new ClientError("delegate-failure", trouble ?? "Cannot ask tailscaled");
}
