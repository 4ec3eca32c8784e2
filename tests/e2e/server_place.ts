/** Where a server of a test listens, such as the namespace between the nodes. */
export interface ServerPlace {
  readonly address: string;
  /** What a command begins with that is to run there. */
  readonly enter: readonly string[];
}

/**
 * An address of its own of the loopback network, where clients in this process reach it: 127.0.0.0/8 is
 * wide enough for every test to take one by chance.
 */
export function loopbackPlace(): ServerPlace {
  const address = `127.${crypto.getRandomValues(new Uint8Array(3)).map(inMiddle).join(".")}`;
  return { address, enter: [] };
}

/** From 1 to 254. */
function inMiddle(byte: number): number {
  return 1 + byte % 254;
}
