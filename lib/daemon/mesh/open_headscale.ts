import { ConfigError, errorText } from "../../errors.ts";
import { HeadscaleClient } from "../../headscale/client.ts";
import type { Settings } from "../settings/settings.ts";

/** True when there is an API key to ask with. */
export function canAsk({ headscale }: Pick<Settings, "headscale">): boolean {
  return headscale.url !== undefined && headscale.authKey !== undefined;
}

/**
 * A client of Headscale by the settings; undefined when there is no API key to ask with.
 * @throws ConfigError when the file of the certificate authority cannot be read.
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
    ...caFile !== undefined && { caPem: readCertificates(caFile) },
  });
}

function readCertificates(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (cause) {
    throw new ConfigError(
      "invalid-config",
      `Cannot read headscale.caFile "${path}": ${errorText(cause)}`,
      { cause },
    );
  }
}
