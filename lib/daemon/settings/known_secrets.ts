import { isObject } from "../../schema.ts";
import { Secret } from "./secret.ts";
import type { Settings } from "./settings.ts";

/** The texts of all secrets in the settings, to take them out of what is shown; those that can be read. */
export function knownSecrets(settings: Settings): string[] {
  return secretsIn(settings).flatMap((secret) => {
    try {
      return [secret.reveal()];
    } catch {
      return []; // What we cannot read we cannot show either.
    }
  });
}

function secretsIn(value: unknown): Secret[] {
  if (value instanceof Secret) return [value];
  return isObject(value) ? Object.values(value).flatMap(secretsIn) : [];
}
