import { killFirstAddTest } from "./kill.ts";

killFirstAddTest("bridge");
