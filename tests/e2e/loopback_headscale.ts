/** A real Headscale at an address of its own of the loopback network. */
import { loopbackPlace } from "./server_place.ts";
import { HeadscaleServer, type HeadscaleVersion } from "./tailnet/headscale.ts";

/** A node of the server that no machine stands behind. */
export interface DebugNode {
  readonly id: string;
  readonly nodeKey: string;
}

/** All may reach all: 0.25 takes none that says nothing. */
const POLICY = JSON.stringify({ acls: [{ action: "accept", src: ["*"], dst: ["*:*"] }] });

/** A new one, without nodes. */
export function startOnLoopback(
  version: HeadscaleVersion,
  users: readonly string[],
): Promise<HeadscaleServer> {
  return HeadscaleServer.start(loopbackPlace(), version, POLICY, users);
}

/** Asks its REST API, past our client. */
export async function askApi(
  { url, caPem }: HeadscaleServer,
  apiKey: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<unknown> {
  using client = Deno.createHttpClient({ caCerts: [caPem] });
  const response = await fetch(`${url}/api/v1/${path}`, {
    method,
    headers: { authorization: `Bearer ${apiKey}` },
    ...body !== undefined && { body: JSON.stringify(body) },
    client,
  });
  if (response.ok) return await response.json();
  throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
}

/** Makes a node that advertises routes, without a machine: up to 0.26 they are kept. */
export async function addNode(
  server: HeadscaleServer,
  apiKey: string,
  { user, name, routes }: { user: string; name: string; routes: readonly string[] },
): Promise<DebugNode> {
  // 24 characters; from 0.29 on after a prefix: hscontrol/types/common.go.
  const random = crypto.getRandomValues(new Uint8Array(18)).toBase64({ alphabet: "base64url" });
  const key = server.version === "0.29.2" ? `hskey-authreq-${random}` : random;
  await askApi(server, apiKey, "POST", "debug/node", { user, key, name, routes });
  const path = `node/register?user=${user}&key=${key}`;
  const { node } = Object(await askApi(server, apiKey, "POST", path));
  return { id: node.id, nodeKey: node.nodeKey };
}
