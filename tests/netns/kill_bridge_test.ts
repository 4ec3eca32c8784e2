import { killTests } from "./kill.ts";

killTests({ datapath: "bridge" }, true);
