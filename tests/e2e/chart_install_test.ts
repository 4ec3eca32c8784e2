/** The node's folders in the containers that install the program and look at it. */
import { assertEquals } from "@std/assert";
import { findObject, helmTest, podSpecOf, render } from "./helm.ts";

helmTest(
  "install: what is written down of the node is by the paths that the node has",
  async () => {
    const config = {
      cni: { confDir: "/srv/net.d", binDir: "/srv/bin" },
      dataDir: "/srv/data",
      kube: { access: "off" },
    };
    const objects = await render({ values: { config } });
    const pod = podSpecOf(findObject(objects, "DaemonSet"));
    const test = podSpecOf(findObject(objects, "Pod"));
    const rows = [
      [pod, pod.initContainers[0], ["/opt/headcni", "/srv/bin", "/srv/data", "/srv/net.d"]],
      [pod, pod.containers[0], ["/opt/headcni", "/srv/bin", "/srv/data", "/srv/net.d"]],
      [test, test.containers[0], ["/opt/headcni", "/srv/bin"]],
    ] as const;
    for (const [{ volumes }, { volumeMounts }, wanted] of rows) {
      const same = volumeMounts.filter(({ name, mountPath }) =>
        volumes.find((volume) => volume.name === name)?.hostPath?.path === mountPath
      );
      const paths = same.map(({ mountPath }) => mountPath);
      assertEquals(paths.filter((path) => /^\/(opt|srv)/.test(path)).toSorted(), [...wanted]);
    }
  },
);
