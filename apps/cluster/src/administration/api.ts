/** The type of the administration router: all that the console and the command line know of the manager's code. */
export type { AdministrationRouter } from "./router.ts";
