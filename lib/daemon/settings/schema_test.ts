import { assertEquals } from "@std/assert";
import { ENTRIES, findKey, isSection } from "./catalogue.ts";
import { faultsOfValue } from "./given.ts";
import { explain } from "./explain.ts";
import { RETIRED_KEYS, retiredNote } from "./retired.ts";

Deno.test("SCHEMA: no key, variable or flag stands for two settings", () => {
  const names = ENTRIES.map(explain).flatMap(({ keys, variables, lastVariables, flags }) => [
    ...[...keys, ...variables, ...lastVariables, ...flags],
  ]);
  assertEquals(names.filter((name, index) => names.indexOf(name) !== index), []);
  assertEquals(RETIRED_KEYS.filter((key) => findKey(key) !== undefined), []);
});

Deno.test("SCHEMA: every default is a good value", () => {
  for (const { key, setting } of ENTRIES) {
    const text = setting.defaultText;
    if (text === undefined || text.includes("{")) continue;
    assertEquals(faultsOfValue(setting, text), [], key);
  }
});

/** What a user of the older system has: its config struct and the values of its chart. */
const OLDER_KEYS = `
  daemon.logLevel daemon.hostNetwork headscale.url headscale.authKey headscale.timeout
  headscale.retries tailscale.mode tailscale.url tailscale.socket.path tailscale.socket.name
  tailscale.mtu tailscale.acceptDNS tailscale.hostname.prefix tailscale.hostname.type
  tailscale.user tailscale.tags tailscale.interfaceName network.podCIDR network.podCIDR.base
  network.podCIDR.perNode network.podCIDR.nodeLocal network.podCIDRSubnet network.serviceCIDR
  network.mtu network.enableIPv6 network.enableNetworkPolicy ipam.type ipam.strategy
  ipam.gcInterval ipam.subnets dns.magicDNS.enabled dns.magicDNS.nameservers
  dns.magicDNS.searchDomains dns.magicDNS.options dns.custom monitoring.enabled monitoring.port
  monitoring.path logging.level logging.format logging.output logging.file.enabled
  logging.file.path logging.file.maxSize logging.file.maxBackups logging.file.maxAge security.tls
  security.auth security.networkPolicy performance advancedPermissions cniPlugins`;

Deno.test("SCHEMA: every key of the older system is a setting or retired", () => {
  const keys = OLDER_KEYS.trim().split(/\s+/);
  assertEquals(keys.filter((key) => !findKey(key) && retiredNote(key) === undefined), []);
});

/** Variables and flags of the older daemon. */
const OLDER_NAMES = `
  HEADSCALE_URL HEADSCALE_AUTH_KEY TAILSCALE_MODE TAILSCALE_URL TAILSCALE_SOCKET_PATH TAILSCALE_MTU
  TAILSCALE_USER TAILSCALE_TAGS POD_CIDR SERVICE_CIDR MONITORING_ENABLED METRICS_PORT LOG_LEVEL
  LOG_FILE NODE_NAME NODE_POD_CIDR HEADSCALE_API_KEY HEADCNI_AUTH_KEY HEADSCALE_API_KEY_FILE
  HEADCNI_AUTH_KEY_FILE HEADSCALE_AUTH_KEY_FILE HEADCNI_LOG_LEVEL HEADCNI_DATA_DIR
  HEADCNI_DAEMON_SOCKET TS_ACCEPT_DNS --tailscale-url --tailscale-socket --tailscale-mtu --pod-cidr
  --service-cidr --log-level --monitoring-enabled --metrics-port --metrics-path --headscale-url
  --headscale-auth-key-file --tailscale-mode --tailscale-user --tailscale-tags --network-mtu
  --enable-ipv6 --enable-network-policy --ipam-type --ipam-strategy --magic-dns-enabled --timeout`;

Deno.test("SCHEMA: every variable and flag of the older daemon is there", () => {
  const known = ENTRIES.map(explain).flatMap(({ variables, lastVariables, flags }) => [
    ...[...variables, ...lastVariables, ...flags],
  ]);
  assertEquals(OLDER_NAMES.trim().split(/\s+/).filter((name) => !known.includes(name)), []);
});

Deno.test("isSection: true for what has keys below it, those of older systems too", () => {
  const keys = ["network", "network.podCIDR", "security", "dns", "network.mtu", "performance", ""];
  assertEquals(keys.filter(isSection), ["network", "network.podCIDR", "security", "dns"]);
});
