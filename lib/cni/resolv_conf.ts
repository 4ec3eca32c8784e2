import type { ResultDns } from "./result.ts";

/**
 * Reads the text of a resolver configuration: `nameserver`, `domain`, `search` and `options` lines,
 * resolv.conf(5). Of several `domain` or `search` lines the last counts; anything else is skipped.
 */
export function parseResolvConf(text: string): ResultDns {
  const nameservers: string[] = [];
  const options: string[] = [];
  let domain: string | undefined;
  let search: string[] = [];
  for (const line of text.split("\n")) {
    const [keyword = "", ...values] = line.replace(/[#;].*/, "").trim().split(/\s+/);
    if (keyword === "nameserver") nameservers.push(...values.slice(0, 1));
    else if (keyword === "domain") domain = values[0];
    else if (keyword === "search") search = values;
    else if (keyword === "options") options.push(...values);
  }
  return {
    ...nameservers.length > 0 && { nameservers },
    ...domain && { domain },
    ...search.length > 0 && { search },
    ...options.length > 0 && { options },
  };
}
