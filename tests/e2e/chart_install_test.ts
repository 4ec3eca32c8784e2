/** The node's folders in the containers that install the program, run it and look at it. */
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

helmTest("logs: the folder of the plugins' log is mounted, and that of the daemon's", async () => {
  for (
    const [path, folders] of [
      ["", ["/var/log/headcni"]],
      ["/var/log/headcni/daemon.log", ["/var/log/headcni"]],
      ["/var/log/pods/daemon.log", ["/var/log/headcni", "/var/log/pods"]],
    ] as const
  ) {
    const objects = await render({ values: { config: { logging: { file: { path } } } } });
    const { containers: [daemon], volumes } = podSpecOf(findObject(objects, "DaemonSet"));
    const mounted = daemon.volumeMounts.filter(({ mountPath }) => mountPath.startsWith("/var/log"));
    assertEquals(mounted.map(({ mountPath }) => mountPath), [...folders]);
    const paths = mounted.map(({ name }) =>
      volumes.find((volume) => volume.name === name)?.hostPath?.path
    );
    assertEquals(paths, [...folders]);
  }
});
