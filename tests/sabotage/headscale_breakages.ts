import type { Breakage } from "./breakages.ts";

const CONNECTION = {
  file: "lib/headscale/connection.ts",
  testFile: "lib/headscale/connection_test.ts",
};

/** Those of the client of Headscale. */
export const HEADSCALE_BREAKAGES: readonly Breakage[] = [
  // The API key goes wherever an answer says.
  {
    ...CONNECTION,
    text: 'redirect: "manual",',
    replacement: "",
    test: "HeadscaleConnection: a redirect is refused, and the key does not go there",
  },
  // The API key is in an error that a server makes of it, and so in the log.
  {
    ...CONNECTION,
    text: 'const spellings = key === "" ? [] : [key, key.toLowerCase()];',
    replacement: "const spellings: string[] = [];",
    test: "HeadscaleConnection: no error shows a key, however it is echoed",
  },
  // A key that is made twice is one that nobody knows of.
  {
    ...CONNECTION,
    text: "!request.isRepeatable || ",
    replacement: "",
    test: "HeadscaleConnection: a request that is not to be repeated is not",
  },
  // A server that answers without end takes the memory of the node.
  {
    file: "lib/headscale/read_body.ts",
    text: "if (bytes > maxBytes) return undefined;",
    replacement:
      "if (bytes > 3 * maxBytes) return undefined; else if (bytes > 2 * maxBytes) break;",
    testFile: CONNECTION.testFile,
    test: "HeadscaleConnection: an answer without end is not read to it",
  },
  // A wrong key is told as a server that is broken, and asked again and again.
  {
    file: "lib/headscale/refusal.ts",
    text: 'if (status === 500 && body.trim() === "Unauthorized") return 401;',
    replacement: "",
    testFile: "lib/headscale/refusal_test.ts",
    test: "readRefusal: the status that releases of today give",
  },
  // Our approval takes another node's routes away.
  {
    file: "lib/headscale/older_routes.ts",
    text: "const own = rows.filter((row) => row.nodeId === nodeId);\n  const isWanted",
    replacement: "const own = rows;\n  const isWanted",
    testFile: "lib/headscale/older_routes_test.ts",
    test: "diffOlderRoutes: rows of that node alone, by what is wanted",
  },
  // Up to 0.25 a key of nobody's belongs to whoever is the only user.
  {
    file: "lib/headscale/client.ts",
    text: 'if (generation === "approve" && tags.length > 0) {',
    replacement: "if (tags.length > 0) {",
    testFile: "lib/headscale/client_test.ts",
    test: "HeadscaleClient: 0.25: a key with tags is nobody's where the release can",
  },
  // After an upgrade of Headscale no route is approved until we start again.
  {
    file: "lib/headscale/client.ts",
    text: "if (!isNotFound(error) || await this.#probe() === remembered) throw error;",
    replacement: "throw error;",
    testFile: "lib/headscale/client_test.ts",
    test: "HeadscaleClient: 0.25: a release that was changed under way is noticed",
  },
  // Headscale 0.29 makes a node expire that is to be good for ever.
  {
    file: "lib/headscale/client.ts",
    text: "/expire?disableExpiry=true`",
    replacement: "/expire`",
    testFile: "lib/headscale/client_test.ts",
    test: "HeadscaleClient: 0.29: a key is made good for ever where the release can",
  },
];
