import { killTests } from "./kill.ts";

killTests("ptp", false);
