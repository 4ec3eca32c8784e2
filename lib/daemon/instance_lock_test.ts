import { assertThrows } from "@std/assert";
import { HeadcniError } from "../errors.ts";
import { lockInstance } from "./instance_lock.ts";

Deno.test("lockInstance: the second is refused and told of the first, until that is gone", async () => {
  const directory = await Deno.makeTempDir({ prefix: "hct" });
  try {
    {
      using _first = lockInstance(`${directory}/run`);
      assertThrows(
        () => lockInstance(`${directory}/run`),
        HeadcniError,
        `process ${Deno.pid} is the daemon of this node`,
      );
    }
    using _second = lockInstance(`${directory}/run`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
