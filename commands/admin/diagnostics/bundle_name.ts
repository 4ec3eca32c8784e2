/** Such as `headcni-diagnostics-edge-7-20260131T120000.tar.gz`, in UTC. */
export function bundleName(what: string): string {
  const time = new Date().toISOString().replaceAll(/[-:]|\.\d+Z/g, "");
  return `headcni-diagnostics-${what}-${time}.tar.gz`;
}
