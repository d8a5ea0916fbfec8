export const id = process.pid;
