/**
 * The few file operations the journal needs, as an interface, so that a test or a drill can put a failing disk underneath
 * (adapters/testing/faulty-disk.ts). The real disk is Node's callback API: its FileHandle costs about 10 µs more a call.
 */
import { close, fdatasync, fsync, type OpenMode, open, read, rename, write } from "node:fs";
import { rm } from "node:fs/promises";

/** File operations of the journal; every promise rejects with the system's error (ENOSPC, EIO, …). */
export interface JournalDisk {
  open(path: string, flags: OpenMode): Promise<number>;
  /** Returns how many bytes were written, which may be fewer than asked. */
  write(descriptor: number, bytes: Uint8Array, offset: number, length: number, position: number): Promise<number>;
  /** Returns how many bytes were read, which may be fewer than asked. */
  read(descriptor: number, bytes: Uint8Array, offset: number, length: number, position: number): Promise<number>;
  /** Makes the data written so far durable, and the file's size. */
  dataSync(descriptor: number): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Removes a file; it is no error if there is none. */
  remove(path: string): Promise<void>;
  /** Makes creations and renames in this folder durable. */
  syncDirectory(path: string): Promise<void>;
  close(descriptor: number): Promise<void>;
}

function settle<T>(
  resolve: (value: T) => void,
  reject: (error: Error) => void,
): (error: Error | null, value: T) => void {
  return (error, value) => (error === null ? resolve(value) : reject(error));
}

function settleVoid(resolve: () => void, reject: (error: Error) => void): (error?: Error | null) => void {
  return (error) => (error == null ? resolve() : reject(error));
}

/** The file system of this machine. */
export const realDisk: JournalDisk = {
  open: (path, flags) => new Promise((resolve, reject) => open(path, flags, 0o600, settle(resolve, reject))),
  write: (descriptor, bytes, offset, length, position) =>
    new Promise((resolve, reject) => write(descriptor, bytes, offset, length, position, settle(resolve, reject))),
  read: (descriptor, bytes, offset, length, position) =>
    new Promise((resolve, reject) => read(descriptor, bytes, offset, length, position, settle(resolve, reject))),
  dataSync: (descriptor) => new Promise((resolve, reject) => fdatasync(descriptor, settleVoid(resolve, reject))),
  rename: (from, to) => new Promise((resolve, reject) => rename(from, to, settleVoid(resolve, reject))),
  remove: (path) => rm(path, { force: true }),
  async syncDirectory(path) {
    const descriptor = await realDisk.open(path, "r");
    try {
      await new Promise<void>((resolve, reject) => fsync(descriptor, settleVoid(resolve, reject)));
    } finally {
      await realDisk.close(descriptor);
    }
  },
  close: (descriptor) => new Promise((resolve, reject) => close(descriptor, settleVoid(resolve, reject))),
};

/** Writes all bytes, continuing after short writes; throws if the disk takes nothing at all. */
export async function writeFully(
  disk: JournalDisk,
  descriptor: number,
  bytes: Uint8Array,
  length: number,
  position: number,
): Promise<void> {
  let done = 0;
  while (done < length) {
    const written = await disk.write(descriptor, bytes, done, length - done, position + done);
    if (written <= 0) throw Object.assign(new Error("the disk accepted no byte of a write"), { code: "EIO" });
    done += written;
  }
}

/** Reads until `length` bytes or the end of the file; returns how many there were. */
export async function readFully(
  disk: JournalDisk,
  descriptor: number,
  bytes: Uint8Array,
  length: number,
  position: number,
): Promise<number> {
  let done = 0;
  while (done < length) {
    const count = await disk.read(descriptor, bytes, done, length - done, position + done);
    if (count <= 0) break;
    done += count;
  }
  return done;
}
