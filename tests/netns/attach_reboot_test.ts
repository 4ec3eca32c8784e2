/** ADD after a reboot before which nobody sent a DEL: podman keeps the ids of its containers. */
import { TestNetns } from "./namespace.ts";
import { type AddResult, bare, network, nodeTest, type TestPod } from "./plugin.ts";
import { PrivateBoot } from "./private_boot.ts";

/** A subnet with room for one pod. */
const TINY = "10.7.0.0/30";

for (const type of ["headcni-ipam", "host-local"]) {
  nodeTest(`headcni: a container that comes again after a reboot, ${type}`, async (node) => {
    await using boot = await PrivateBoot.make(node.root);
    const foreign = type === "host-local" ? { dataDir: `${node.root}/foreign` } : {};
    const config = network({ ipam: { type, subnet: TINY, ...foreign } });
    const env = { CNI_CONTAINERID: `${node.host.name}kept` };
    const callOf = (verb: string, pod: TestPod) => ({ verb, pod, config, env, enter: boot.enter });
    {
      await using pod = await TestNetns.make("pod");
      await node.succeed(callOf("ADD", pod));
      await node.fail(callOf("ADD", pod), 104);
    }
    await boot.reboot();
    const pod = await node.makePod();
    const { ips = [] }: AddResult = JSON.parse(await node.succeed(callOf("ADD", pod)));
    await pod.run("ping", "-c", "1", "-W", "5", bare(ips[0]?.gateway));
    await node.fail(callOf("ADD", pod), 104);
    await node.succeed(callOf("DEL", pod));
    const other = await node.makePod();
    await node.succeed({ ...callOf("ADD", other), env: {} });
  });
}
