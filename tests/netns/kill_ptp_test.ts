import { killTests } from "./kill.ts";

// The kernel is where a host port and limits are; the store keeps them in the commits that there are.
killTests({ datapath: "ptp", hasExtras: true }, false);
