#!/usr/bin/env node
/**
 * Prepares the checkout: `node tooling/setup/setup.mjs [--no-console] [--json]`. Only looks at the version of Node here;
 * the rest is loaded afterwards, so that an old Node prints a remedy and not a syntax error.
 */
import { requireNode } from "./node-version.mjs";

requireNode();
import("./setup-command.mjs");
