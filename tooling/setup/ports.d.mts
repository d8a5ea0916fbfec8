/** Finds 100 free ports in a row, reserved until this process ends, and returns the first (a multiple of 100). */
export function freePortBlock(): Promise<number>;
