import { schemaConfig } from "../config.ts";

export default schemaConfig(import.meta.dirname);
