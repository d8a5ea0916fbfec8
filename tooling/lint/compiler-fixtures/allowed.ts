export function quorum(faultsTolerated: number): number {
  return 2 * faultsTolerated + 1;
}
