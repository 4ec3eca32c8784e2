import { assertEquals, assertStringIncludes } from "@std/assert";
import { redactText } from "./redact_text.ts";

/** Never anywhere in what is left. */
const SECRET = "Kq7vZt1xW9";

/** Texts with the secret in the place of `$`. */
const HIDDEN: readonly (readonly [name: string, text: string])[] = [
  ["YAML", "headscale:\n  authKey: $\n  url: https://h.example\n"],
  ["YAML in quotes", "apiKey: '$'\npassword: \"a $\"\n"],
  ["a YAML block", "token: |\n  first $\n  $\n"],
  ["YAML on the next line", "secret:\n  $\n"],
  ["JSON", '{"authKey":"$","other":1}'],
  ["JSON with an escaped quote", '{"password":"a\\"$"}'],
  ["JSON within JSON", '{"msg":"{\\"auth_key\\":\\"$\\"}"}'],
  ["variables", "TS_AUTHKEY=$\nexport K3S_TOKEN=$\n"],
  ["variables of a container, YAML", "- name: TS_AUTHKEY\n  value: $\n"],
  ["variables of a container, JSON", '[{"name":"API_TOKEN","value":"$"}]'],
  ["a command line", "k3s server --token $ --agent-token=$ '--datastore-password' '$'"],
  ["a command line as a list, JSON", '["--token","$","--auth-key", "$"]'],
  [
    "a command line as a list, YAML",
    "args:\n- --token\n- $\n- '--auth-key'\n- '$'\n- [--token, $]\n",
  ],
  ["a value that begins like none", "token: true-$\npassword: none.$\n"],
  ["a list", 'tokens: ["$", "a", $]\n"passwords":["$"]\napi_tokens:\n  - $\n  - b\n  - $\n'],
  ["words", "invalid API key: $; pre-auth key: $; auth key: $\n"],
  ["keys of Tailscale and Headscale", "use tskey-auth-$-$ or hskey-api-$ or privkey:$ or nlpriv:$"],
  ["HTTP", "Authorization: Bearer $\nproxy-authorization: Basic $\n"],
  ["HTTP in words", "it sent bearer $"],
  ["cookies", "Set-Cookie: $; Path=/"],
  ["keys of a cloud", "accessKey: $\naws_access_key_id=$\n"],
  ["a passphrase", "passphrase: $"],
  ["credentials", '{"credential":"$"}'],
  ["a pre-shared key", "psk=$"],
  ["a token of a service account", "got eyJhbGciOi.eyJS.$-$ back"],
  ["a URL", "https://admin:$@headscale.example/a, postgres://u:$@db/x"],
  ["a URL with a token alone", "git clone https://$@forge.example/a.git"],
  [
    "what curl takes",
    "curl -u admin:$ https://h; curl --user=admin:$ -x p --proxy-user 'a:$' -ua:$",
  ],
  ["what curl takes, as JSON", '["curl","-u","admin:$"]'],
  ["names in parts", "pass_word: $\npass-phrase: $\nauth__key: $\n"],
  ["YAML in quotes, over lines", "password: \"a\n  $\\\n  $\"\ntoken: 'a\n  ''$'\n"],
  ["quotes whose end is cut off", 'token: "$'],
  ["a query", "GET /oauth?access_token=$&x=1"],
  ["a private key", "-----BEGIN EC PRIVATE KEY-----\nS\nS\n-----END EC PRIVATE KEY-----\n"],
  ["a private key that is cut off", "-----BEGIN PRIVATE KEY-----\nS"],
  ["a private key whose beginning is cut off", "$$$\n$$\n-----END PRIVATE KEY-----\n"],
  ["WireGuard", "PrivateKey = $=\nPresharedKey = $=\n"],
  ["a kubeconfig", "client-key-data: $\nusers:\n- user:\n    token: $\n"],
  ["Docker's registries", '{"auths":{"r.example":{"auth":"$"}}}'],
  ["containerd's registries", '[auth]\n  password = "$"\n  identitytoken = "$"\n'],
];

for (const [name, text] of HIDDEN) {
  Deno.test(`redactText: ${name}`, () => {
    const left = redactText(text.replaceAll("$", SECRET));
    assertEquals(left.includes(SECRET), false, left);
    assertStringIncludes(left, "[redacted]");
  });
}

Deno.test("redactText: what is known is found without a name, in base64 too", () => {
  const left = redactText(`said ${SECRET}, ${btoa(SECRET)}; so`, [SECRET, "so"]);
  assertEquals(left, "said [redacted], [redacted]; so");
});

Deno.test("redactText: of a known secret that begins like another nothing is left", () => {
  const longer = `${SECRET}-of-the-other`;
  assertEquals(redactText(`said ${longer}`, [SECRET, longer]), "said [redacted]");
});

Deno.test("redactText: leaves what is no secret, and JSON as JSON", () => {
  const text = [
    "10.244.0.1/24 dev headcni0 nodekey:0123abcd",
    "authentication of pods; monkey: 1",
    '{"isSecret":true,"authKey":null,"key":"network/id/eth0"}',
    "https://headscale.example:8080/a@b",
    "https://h.example,admin@example",
    "date -u +%H:%M; docker run -u 1000:1000 -v a:b",
  ].join("\n");
  assertEquals(redactText(text), text);
  assertEquals(JSON.parse(redactText('{"authKey":"x","token": 12,"a":[1]}')), {
    authKey: "[redacted]",
    token: "[redacted]",
    a: [1],
  });
});

Deno.test("redactText: many lines of base64 that are no key take no longer than their length", () => {
  const lines = `a\n${`${"A".repeat(64)}\n`.repeat(50_000)}`;
  assertEquals(redactText(lines), lines);
});

Deno.test("redactText: a quote without an end takes no longer than its length", () => {
  const text = `token: "abc${"\n        at foo (bar.ts:1)".repeat(5_000)}`;
  assertEquals(redactText(text), `token: "[redacted]"${text.slice('token: "abc'.length)}`);
});

Deno.test("redactText: a long word takes no longer than its length", () => {
  const word = "token".repeat(100_000);
  assertEquals(redactText(word), word);
});
