#!/usr/bin/env node
/**
 * Every npm script: `node tooling/setup/run.mjs <script> [its flags]` prepares the checkout, then runs the script's
 * program. Only looks at the version of Node here, so that an old one prints a remedy and not a syntax error.
 */
import { requireNode } from "./node-version.mjs";

requireNode();
import("./run-command.mjs");
