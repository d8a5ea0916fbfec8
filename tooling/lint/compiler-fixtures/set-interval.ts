export const interval = setInterval(() => undefined, 1);
