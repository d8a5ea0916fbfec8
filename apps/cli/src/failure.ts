/** Exit codes: 0 done, 1 refused or failed, 2 usage (DESIGN §8). */
export class CommandFailure extends Error {
  readonly exitCode: 1 | 2;
  constructor(message: string, exitCode: 1 | 2 = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}
