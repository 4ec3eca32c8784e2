import { assertEquals, assertThrows } from "@std/assert";
import { ConfigError } from "../errors.ts";
import { findAccess, readKubeconfig } from "./access.ts";

async function withFiles(
  files: Readonly<Record<string, string>>,
  test: (root: string) => void,
): Promise<void> {
  const root = await Deno.makeTempDir({ prefix: "hct" });
  try {
    for (const [path, text] of Object.entries(files)) {
      await Deno.mkdir(root + path.slice(0, path.lastIndexOf("/")), { recursive: true });
      await Deno.writeTextFile(root + path, text);
    }
    test(root);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

/** As k3s writes it for its kubelet: relative and absolute paths, no token. */
const BY_CERTIFICATE = `
apiVersion: v1
kind: Config
clusters:
- {name: local, cluster: {server: "https://127.0.0.1:6444/", certificate-authority: ca.crt}}
contexts:
- {name: Default, context: {cluster: local, namespace: default, user: user}}
current-context: Default
users:
- {name: user, user: {client-certificate: client.crt, client-key: client.key}}
`;

/** As kubeadm writes it for administrators: everything within. */
const BY_TOKEN = `
apiVersion: v1
kind: Config
clusters:
- name: kubernetes
  cluster: {server: "https://10.0.0.1:6443", certificate-authority-data: ${btoa("CA")}}
contexts:
- {name: admin, context: {cluster: kubernetes, user: admin}}
users:
- name: admin
  user: {token: secret}
`;

Deno.test("readKubeconfig: files beside it, and data within it", async () => {
  const files = {
    "/a/config": BY_CERTIFICATE,
    "/a/ca.crt": "CA",
    "/a/client.crt": "C",
    "/a/client.key": "K",
  };
  await withFiles({ ...files, "/b/config": BY_TOKEN }, (root) => {
    const { token, ...access } = readKubeconfig(`${root}/a/config`);
    assertEquals(access, {
      source: `${root}/a/config`,
      server: "https://127.0.0.1:6444",
      caPem: "CA",
      client: { certPem: "C", keyPem: "K" },
    });
    assertEquals(token(), undefined);
    const other = readKubeconfig(`${root}/b/config`);
    assertEquals([other.caPem, other.client, other.token()], ["CA", undefined, "secret"]);
  });
});

Deno.test("readKubeconfig: each fault names the file", async () => {
  const broken = {
    "/absent": undefined,
    "/yaml": "a: [",
    "/empty": "",
    "/context": BY_TOKEN.replace("contexts:", "current-context: nobody\ncontexts:"),
    "/cluster": BY_TOKEN.replace("cluster: kubernetes", "cluster: other"),
    "/server": BY_TOKEN.replace("https://10.0.0.1:6443", "nonsense"),
    "/data": BY_TOKEN.replace(btoa("CA"), "%%%"),
    "/file": BY_CERTIFICATE,
  };
  const present = Object.entries(broken).flatMap(([path, text]) =>
    text === undefined ? [] : [[path, text] as const]
  );
  await withFiles(Object.fromEntries(present), (root) => {
    for (const path of Object.keys(broken)) {
      assertThrows(() => readKubeconfig(root + path), ConfigError, `kubeconfig "${root}${path}"`);
    }
  });
});

Deno.test("findAccess: the named file, else the first that a node has, else none", async () => {
  const files = { "/etc/kubernetes/admin.conf": BY_TOKEN, "/etc/rancher/k3s/k3s.yaml": BY_TOKEN };
  await withFiles({ ...files, "/mine": BY_TOKEN }, (root) => {
    const env = {};
    const named = findAccess({ kubeconfig: `${root}/mine`, env, root });
    assertEquals(named?.source, `${root}/mine`);
    const found = findAccess({ kubeconfig: undefined, env, root });
    assertEquals(found?.source, `${root}/etc/rancher/k3s/k3s.yaml`);
    assertEquals(findAccess({ kubeconfig: undefined, env, root: `${root}/none` }), undefined);
  });
});
