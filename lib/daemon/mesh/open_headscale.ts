import { ConfigError, errorText } from "../../errors.ts";
import { HeadscaleClient } from "../../headscale/client.ts";
import type { Settings } from "../settings/settings.ts";

/** True when there is an API key to ask with. */
export function canAsk({ headscale }: Pick<Settings, "headscale">): boolean {
  return headscale.url !== undefined && headscale.authKey !== undefined;
}

/**
 * A client of Headscale by the settings; undefined when there is no API key to ask with.
 * @param caPem what its certificates are checked by, beside those of the system.
 * @throws ConfigError when the certificates cannot be used.
 */
export function openHeadscale(
  { headscale }: Pick<Settings, "headscale">,
  caPem: string | undefined = readCertificates(headscale),
): HeadscaleClient | undefined {
  const { url, authKey, timeout, retries } = headscale;
  if (url === undefined || authKey === undefined) return undefined;
  return new HeadscaleClient({
    url,
    // Read for each request: the file may get another key.
    apiKey: () => authKey.reveal(),
    timeoutMs: timeout.ms,
    retries,
    ...caPem !== undefined && { caPem },
  });
}

/**
 * What is in the file of the certificate authority; undefined when none is named.
 * @throws ConfigError when it cannot be read.
 */
export function readCertificates({ caFile }: Settings["headscale"]): string | undefined {
  if (caFile === undefined) return undefined;
  try {
    return Deno.readTextFileSync(caFile);
  } catch (cause) {
    throw new ConfigError(
      "invalid-config",
      `Cannot read headscale.caFile "${caFile}": ${errorText(cause)}`,
      { cause },
    );
  }
}
