/** What a function of this process prints. */
export interface Printed<Value> {
  readonly value: Value;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a function and catches what it says on the console, as if that were no terminal. */
export async function printed<Value>(run: () => Value | Promise<Value>): Promise<Printed<Value>> {
  const caught = { stdout: "", stderr: "" };
  const { log, error } = console;
  Deno.stdout.isTerminal = () => false;
  console.log = (text) => caught.stdout += `${text}\n`;
  console.error = (text) => caught.stderr += `${text}\n`;
  try {
    return { value: await run(), ...caught };
  } finally {
    Object.assign(console, { log, error });
    Reflect.deleteProperty(Deno.stdout, "isTerminal");
  }
}
