import { killTests } from "./kill.ts";

killTests("bridge", true);
