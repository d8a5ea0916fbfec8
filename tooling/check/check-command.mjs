/** The program behind `npm run check`, `lint`, `typecheck` and `unit`. */
import { check } from "./check.mjs";

process.exitCode = await check(process.argv.slice(2));
