import { assertEquals } from "@std/assert";
import { formatFamilies } from "./exposition.ts";
import type { Counter } from "../store/counters.ts";
import { nodeFamilies, type NodeSnapshot } from "./metrics.ts";
import { meshReport } from "../../tests/fakes/mesh_report.ts";

const NODE: NodeSnapshot = {
  counters: [
    counter("allocations", 7n, "pods", "default"),
    counter("releases", 4n, "pods", "default"),
    counter("errors", 2n, "pods", "pool-exhausted"),
    counter("errors", 1n, "pods", "kernel-failure"),
    counter("errors", 1n, "other", "firewall-failure"),
    counter("reclaimed", 1n, "pods"),
    counter("restored", 3n, "pods"),
    counter("durations", 5n, "pods", "50"),
    counter("durations", 1n, "pods", "100"),
    counter("durations", 1n, "pods", "+Inf"),
    counter("duration_milliseconds", 62_345n, "pods"),
  ],
  networks: [
    { network: "pods", leases: 3, capacity: 12 },
    { network: "other", leases: 1, capacity: undefined },
  ],
  loops: [{
    name: "CNIService",
    intervalMs: 30_000,
    startedMs: 0,
    turnedMs: 1_700_000_000_500,
    turningSinceMs: undefined,
    aliveMs: 0,
    tookMs: 62.5,
    error: undefined,
    turns: 9,
    failures: 1,
  }],
  podCidrs: [{ cidr: "10.9.0.0/24", source: "files" }],
  podCidrAgeSeconds: 12.5,
  repairs: new Map([["masquerade", 2]]),
  repairFailures: 0,
  health: { cni: true, overall: false },
  mesh: meshReport(5),
};

/** Four of one older system's README, eight of the code of the other. */
const OLDER_NAMES = [
  "headcni_ip_allocations_total",
  "headcni_ip_releases_total",
  "headcni_network_errors_total",
  "headcni_pod_network_setup_duration_seconds",
  "tailscale_cni_operation_duration_seconds",
  "tailscale_cni_operations_total",
  "tailscale_cni_ipam_allocated_ips",
  "tailscale_cni_ipam_pool_utilization_percent",
  "tailscale_cni_connection_status",
  "tailscale_cni_peer_count",
  "tailscale_cni_system_health_status",
  "tailscale_cni_errors_total",
];

/** What a monitor reads: names and labels are promises. */
const GOLDEN = `\
# HELP headcni_ip_allocations_total Addresses given to pods, one for each lease
# TYPE headcni_ip_allocations_total counter
headcni_ip_allocations_total{network="pods",pool="default"} 7
# HELP headcni_ip_releases_total Leases given back
# TYPE headcni_ip_releases_total counter
headcni_ip_releases_total{network="pods",pool="default"} 4
# HELP headcni_network_errors_total ADDs that failed, by the reason of their error
# TYPE headcni_network_errors_total counter
headcni_network_errors_total{network="pods",cause="pool-exhausted"} 2
headcni_network_errors_total{network="pods",cause="kernel-failure"} 1
headcni_network_errors_total{network="other",cause="firewall-failure"} 1
# HELP headcni_leases_reclaimed_total Leases of pods that were proven dead
# TYPE headcni_leases_reclaimed_total counter
headcni_leases_reclaimed_total{network="pods"} 1
# HELP headcni_leases_restored_total Leases that a store made anew got from its witnesses
# TYPE headcni_leases_restored_total counter
headcni_leases_restored_total{network="pods"} 3
# HELP headcni_pod_network_setup_duration_seconds How long ADDs that succeeded took
# TYPE headcni_pod_network_setup_duration_seconds histogram
headcni_pod_network_setup_duration_seconds_bucket{network="pods",le="0.025"} 0
headcni_pod_network_setup_duration_seconds_bucket{network="pods",le="0.05"} 5
headcni_pod_network_setup_duration_seconds_bucket{network="pods",le="0.1"} 6
headcni_pod_network_setup_duration_seconds_bucket{network="pods",le="0.25"} 6
headcni_pod_network_setup_duration_seconds_bucket{network="pods",le="0.5"} 6
headcni_pod_network_setup_duration_seconds_bucket{network="pods",le="1"} 6
headcni_pod_network_setup_duration_seconds_bucket{network="pods",le="2.5"} 6
headcni_pod_network_setup_duration_seconds_bucket{network="pods",le="5"} 6
headcni_pod_network_setup_duration_seconds_bucket{network="pods",le="10"} 6
headcni_pod_network_setup_duration_seconds_bucket{network="pods",le="30"} 6
headcni_pod_network_setup_duration_seconds_bucket{network="pods",le="60"} 6
headcni_pod_network_setup_duration_seconds_bucket{network="pods",le="+Inf"} 7
headcni_pod_network_setup_duration_seconds_sum{network="pods"} 62.345
headcni_pod_network_setup_duration_seconds_count{network="pods"} 7
# HELP headcni_leases Leases at the last look
# TYPE headcni_leases gauge
headcni_leases{network="pods"} 3
headcni_leases{network="other"} 1
# HELP headcni_lease_capacity Leases that the addresses of a network on this node suffice for
# TYPE headcni_lease_capacity gauge
headcni_lease_capacity{network="pods"} 12
# HELP headcni_build_info The release that runs
# TYPE headcni_build_info gauge
headcni_build_info{version="0.1.0"} 1
# HELP headcni_pod_cidr_info Prefixes of this node's pods, and where they were found
# TYPE headcni_pod_cidr_info gauge
headcni_pod_cidr_info{cidr="10.9.0.0/24",source="files"} 1
# HELP headcni_pod_cidr_age_seconds Since when they have been so
# TYPE headcni_pod_cidr_age_seconds gauge
headcni_pod_cidr_age_seconds 12.5
# HELP headcni_loop_turns_total Turns of the daemon's loops
# TYPE headcni_loop_turns_total counter
headcni_loop_turns_total{loop="CNIService"} 9
# HELP headcni_loop_failures_total Turns that failed
# TYPE headcni_loop_failures_total counter
headcni_loop_failures_total{loop="CNIService"} 1
# HELP headcni_loop_last_turn_timestamp_seconds When the last turn ended
# TYPE headcni_loop_last_turn_timestamp_seconds gauge
headcni_loop_last_turn_timestamp_seconds{loop="CNIService"} 1700000000.5
# HELP headcni_loop_last_turn_duration_seconds How long the last turn took
# TYPE headcni_loop_last_turn_duration_seconds gauge
headcni_loop_last_turn_duration_seconds{loop="CNIService"} 0.0625
# HELP headcni_repairs_total What was found otherwise than it must be, and mended
# TYPE headcni_repairs_total counter
headcni_repairs_total{kind="masquerade"} 2
# HELP headcni_repair_failures_total What could not be mended
# TYPE headcni_repair_failures_total counter
headcni_repair_failures_total 0
# HELP headcni_mesh_ready Whether nothing is known that keeps pods of other nodes from ours
# TYPE headcni_mesh_ready gauge
headcni_mesh_ready 1
# HELP headcni_mesh_condition Conditions of traffic between pods of different nodes: 1 holds, 0 does not; unknown ones are left out
# TYPE headcni_mesh_condition gauge
headcni_mesh_condition{number="2",condition="routes-served"} 1
# HELP headcni_mesh_route_served Routes that tailscaled advertises, those of the user too: 1 when the tailnet sends them here
# TYPE headcni_mesh_route_served gauge
headcni_mesh_route_served{route="10.244.1.0/24"} 1
# HELP headcni_mesh_conflicts What other nodes do that can take the traffic of our pods
# TYPE headcni_mesh_conflicts gauge
headcni_mesh_conflicts 0
# HELP headcni_mesh_node_key_expiry_timestamp_seconds When the node has to log in again
# TYPE headcni_mesh_node_key_expiry_timestamp_seconds gauge
headcni_mesh_node_key_expiry_timestamp_seconds 1893456000
# HELP headcni_mesh_logins_total How often the daemon logged the node in, or tried to
# TYPE headcni_mesh_logins_total counter
headcni_mesh_logins_total 1
# HELP tailscale_cni_operation_duration_seconds How long operations of the plugin took
# TYPE tailscale_cni_operation_duration_seconds histogram
tailscale_cni_operation_duration_seconds_bucket{operation="add",result="success",le="0.025"} 0
tailscale_cni_operation_duration_seconds_bucket{operation="add",result="success",le="0.05"} 5
tailscale_cni_operation_duration_seconds_bucket{operation="add",result="success",le="0.1"} 6
tailscale_cni_operation_duration_seconds_bucket{operation="add",result="success",le="0.25"} 6
tailscale_cni_operation_duration_seconds_bucket{operation="add",result="success",le="0.5"} 6
tailscale_cni_operation_duration_seconds_bucket{operation="add",result="success",le="1"} 6
tailscale_cni_operation_duration_seconds_bucket{operation="add",result="success",le="2.5"} 6
tailscale_cni_operation_duration_seconds_bucket{operation="add",result="success",le="5"} 6
tailscale_cni_operation_duration_seconds_bucket{operation="add",result="success",le="10"} 6
tailscale_cni_operation_duration_seconds_bucket{operation="add",result="success",le="30"} 6
tailscale_cni_operation_duration_seconds_bucket{operation="add",result="success",le="60"} 6
tailscale_cni_operation_duration_seconds_bucket{operation="add",result="success",le="+Inf"} 7
tailscale_cni_operation_duration_seconds_sum{operation="add",result="success"} 62.345
tailscale_cni_operation_duration_seconds_count{operation="add",result="success"} 7
# HELP tailscale_cni_operations_total Operations of the plugin
# TYPE tailscale_cni_operations_total counter
tailscale_cni_operations_total{operation="add",result="success"} 7
tailscale_cni_operations_total{operation="add",result="error"} 4
tailscale_cni_operations_total{operation="del",result="success"} 4
# HELP tailscale_cni_ipam_allocated_ips Leases at the last look
# TYPE tailscale_cni_ipam_allocated_ips gauge
tailscale_cni_ipam_allocated_ips 4
# HELP tailscale_cni_ipam_pool_utilization_percent Leases, in percent of those that there are addresses for
# TYPE tailscale_cni_ipam_pool_utilization_percent gauge
tailscale_cni_ipam_pool_utilization_percent 25
# HELP tailscale_cni_connection_status Whether tailscaled is connected
# TYPE tailscale_cni_connection_status gauge
tailscale_cni_connection_status 1
# HELP tailscale_cni_peer_count Peers that tailscaled knows
# TYPE tailscale_cni_peer_count untyped
tailscale_cni_peer_count 5
# HELP tailscale_cni_system_health_status Whether a component is well
# TYPE tailscale_cni_system_health_status gauge
tailscale_cni_system_health_status{component="cni"} 1
tailscale_cni_system_health_status{component="overall"} 0
# HELP tailscale_cni_errors_total ADDs that failed, by kind
# TYPE tailscale_cni_errors_total counter
tailscale_cni_errors_total{component="cni",error_type="unknown"} 2
tailscale_cni_errors_total{component="cni",error_type="network"} 2
`;

Deno.test("nodeFamilies: every family with its help, type and numbers", () => {
  assertEquals(formatFamilies(nodeFamilies(NODE)), GOLDEN);
});

Deno.test("nodeFamilies: the names of the older systems are there", () => {
  const names = nodeFamilies(NODE).map(({ name }) => name);
  assertEquals(OLDER_NAMES.filter((name) => !names.includes(name)), []);
});

Deno.test("nodeFamilies: what nobody knows is left out, not 0", () => {
  const { counters } = NODE;
  const text = formatFamilies(nodeFamilies({ ...NODE, mesh: undefined, networks: [], counters }));
  for (const name of ["connection_status", "peer_count", "utilization_percent"]) {
    assertEquals(text.includes(name), false, name);
  }
});

function counter(metric: string, value: bigint, ...labels: readonly string[]): Counter {
  return { metric, labels, value };
}
