import { HeadscaleClient } from "../../headscale/client.ts";
import type { Settings } from "../settings/settings.ts";

/**
 * A client of Headscale by the settings; undefined when there is no API key to ask with.
 * @throws Error when the file of the certificate authority cannot be read.
 */
export function openHeadscale(
  { headscale }: Pick<Settings, "headscale">,
): HeadscaleClient | undefined {
  const { url, authKey, timeout, retries, caFile } = headscale;
  if (url === undefined || authKey === undefined) return undefined;
  return new HeadscaleClient({
    url,
    // Read for each request: the file may get another key.
    apiKey: () => authKey.reveal(),
    timeoutMs: timeout.ms,
    retries,
    ...caFile !== undefined && { caPem: Deno.readTextFileSync(caFile) },
  });
}
