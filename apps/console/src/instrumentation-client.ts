/** Runs in the browser before any page's code. */
import { config } from "zod";

// Schemas are interpreted, not compiled: the content security policy refuses code made from strings, even the attempt.
config({ jitless: true });
