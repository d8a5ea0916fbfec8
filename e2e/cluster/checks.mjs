/** Named checks, one line each with its figures; what fails does not keep the next from being tried. */

export class Checks {
  passed = 0;
  failed = 0;

  /**
   * @param {string} name
   * @param {() => Promise<string | void>} body returns the figures to show; throws when the check fails
   * @returns {Promise<boolean>} whether it passed
   */
  async check(name, body) {
    const startedAt = performance.now();
    const seconds = () => `${((performance.now() - startedAt) / 1000).toFixed(1)} s`;
    try {
      const figures = await body();
      this.passed++;
      process.stdout.write(`ok ${name} (${figures ? `${figures}, ` : ""}${seconds()})\n`);
      return true;
    } catch (error) {
      this.failed++;
      const why = error instanceof Error ? error.message : String(error);
      process.stdout.write(`not ok ${name} (${seconds()})\n  ${why.replaceAll("\n", "\n  ")}\n`);
      return false;
    }
  }

  /**
   * The last line, by which `npm test` counts.
   * @param {object} [figures] to stand beside the counts
   */
  conclude(figures = {}) {
    process.stdout.write(`${JSON.stringify({ passed: this.passed, failed: this.failed, ...figures })}\n`);
    return this.failed === 0 && this.passed > 0 ? 0 : 1;
  }
}
