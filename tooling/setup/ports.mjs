/**
 * Free blocks of 100 ports for clusters in tests and scratch runs. A block is free when every port can be listened on,
 * on the client address (127.0.0.1) and on the addresses of the first nodes (127.0.1.x). All of it lies below 32768,
 * where the system hands out no ports of its own accord. A block given away is reserved by a small file until its
 * process ends, so that two test processes do not take the same one before either has listened.
 */
import { randomInt } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const blockSize = 100;
const lowestBase = 10_000;
const highestBase = 31_900;
const attemptsMax = 200;
const nodeAddresses = Array.from({ length: 8 }, (_, index) => `127.0.1.${index + 1}`);
const addresses = ["127.0.0.1", ...nodeAddresses];

const reservations = join(tmpdir(), `redoubt-ports-${process.getuid?.() ?? "all"}`);
/** @type {Set<string>} */
const ownReservations = new Set();

process.on("exit", () => {
  for (const path of ownReservations) rmSync(path, { force: true });
});

/**
 * @param {string} host
 * @param {number} port
 * @returns {Promise<boolean>} true as well where the system does not have the address
 */
function isFree(host, port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (/** @type {NodeJS.ErrnoException} */ error) => resolve(error.code === "EADDRNOTAVAIL"));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/**
 * @param {number} base
 * @returns {Promise<boolean>}
 */
async function isBlockFree(base) {
  const ports = Array.from({ length: blockSize }, (_, offset) => base + offset);
  for (const host of addresses) {
    const free = await Promise.all(ports.map((port) => isFree(host, port)));
    if (free.includes(false)) return false;
  }
  return true;
}

/**
 * @param {string} path of a reservation
 * @returns {boolean} whether the process that made it still lives
 */
function isHeld(path) {
  try {
    process.kill(Number(readFileSync(path, "utf8")), 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === "EPERM";
  }
}

/**
 * @param {number} base
 * @returns {boolean} whether the block is now reserved by this process
 */
function reserve(base) {
  mkdirSync(reservations, { recursive: true });
  const path = join(reservations, String(base));
  for (const isLastAttempt of [false, true]) {
    try {
      writeFileSync(path, String(process.pid), { flag: "wx" });
      ownReservations.add(path);
      return true;
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== "EEXIST") throw error;
      if (isLastAttempt || isHeld(path)) return false;
      rmSync(path, { force: true });
    }
  }
  return false;
}

/**
 * Finds 100 free ports in a row and reserves them until this process ends.
 * @returns {Promise<number>} the base B: B … B+99 are free, B is a multiple of 100 between 10000 and 31900
 * @throws {Error} when no block was free in 200 attempts
 */
export async function freePortBlock() {
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const base = randomInt(lowestBase / blockSize, highestBase / blockSize + 1) * blockSize;
    if (!reserve(base)) continue;
    if (await isBlockFree(base)) return base;
    const path = join(reservations, String(base));
    ownReservations.delete(path);
    rmSync(path, { force: true });
  }
  throw new Error(`no free block of ${blockSize} ports between ${lowestBase} and ${highestBase + blockSize - 1}`);
}
