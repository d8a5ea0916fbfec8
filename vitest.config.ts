import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

/** Unit tests read every workspace package from its sources (the "source" export condition), so no build is needed first. */
export default defineConfig({
  resolve: { conditions: ["source"] },
  ssr: { resolve: { conditions: ["source", "node", "default"] } },
  test: {
    include: ["{apps,packages,examples,bench,tooling,e2e}/**/*.test.{ts,tsx}"],
    exclude: ["tooling/lint/fixtures/**", "**/node_modules/**", "**/dist/**", "**/.next/**"],
    testTimeout: 20_000,
    pool: "threads",
    // Left to itself vitest takes one core fewer than there are: of two, half.
    maxWorkers: Math.max(2, availableParallelism() - 1),
  },
});
