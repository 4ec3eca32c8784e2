import { killFirstAddTest } from "./kill.ts";

killFirstAddTest({ datapath: "bridge" });
