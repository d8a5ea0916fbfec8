/**
 * Hooks around what Node's permission model denies (files, programs, native code): the call goes on as it is, and a denial
 * is noted. And around what it does not deny on Node 20 (network, signals, the user's name): such a call is noted and refused
 * here. A refusal here is no wall; the network namespace and the seccomp filter are.
 */
import { promisify } from "node:util";
import type { AttemptAct } from "@redoubt/shared";
import { noteAttempt } from "./attempts.ts";

type AnyFunction = (this: unknown, ...values: unknown[]) => unknown;
type Methods = Record<string, unknown>;

const ACTS: Readonly<Record<string, AttemptAct>> = {
  FileSystemRead: "read-file",
  FileSystemWrite: "write-file",
  ChildProcess: "process",
  WorkerThreads: "thread",
};

/** An error passes several hooks on its way out; the innermost knows most. */
const noted = new WeakSet<object>();
const NOT_FOUND = /^Cannot find module '([^']+)'/;

/** Notes an error that is a denial of the permission model, or names a module that is not in the bundle. */
export function noteDenial(error: unknown, name = ""): void {
  if (typeof error !== "object" || error === null || noted.has(error)) return;
  noted.add(error);
  const { code, permission, resource, message } = error as Readonly<Record<string, unknown>>;
  if (code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND") {
    const [, path] = NOT_FOUND.exec(String(message)) ?? [];
    if (path !== undefined) noteAttempt("read-file", path);
    return;
  }
  if (code !== "ERR_ACCESS_DENIED" && code !== "ERR_DLOPEN_DISABLED") return;
  const act = ACTS[String(permission)] ?? "native-code";
  noteAttempt(act, typeof resource === "string" && resource !== "" ? resource : name);
}

/** The error a refused call ends with, the same as Node's own. */
export function refusal(what: string): Error {
  const error = new Error(`Access to this API has been restricted: ${what}`);
  return Object.assign(error, { code: "ERR_ACCESS_DENIED", permission: "Redoubt", resource: what });
}

/** Every function of a module; `describe` names what a call is aimed at when the error does not. */
export function watchModule(module: object, describe: (name: string, values: readonly unknown[]) => string): void {
  const methods = module as Methods;
  for (const name of Object.keys(methods)) {
    const original = methods[name];
    if (typeof original !== "function" || /^[A-Z]/.test(name)) continue;
    replace(
      methods,
      name,
      watched(original as AnyFunction, (values) => describe(name, values)),
    );
  }
}

function watched(original: AnyFunction, describe: (values: readonly unknown[]) => string): AnyFunction {
  return function call(this: unknown, ...values: unknown[]): unknown {
    const note = (error: unknown): void => noteDenial(error, describe(values));
    const callback = values.at(-1);
    if (typeof callback === "function")
      values[values.length - 1] = function answered(this: unknown, ...outcome: unknown[]): unknown {
        note(outcome[0]);
        return Reflect.apply(callback, this, outcome);
      };
    try {
      const result = Reflect.apply(original, this, values);
      if (result instanceof Promise) result.catch(note);
      return result;
    } catch (error) {
      note(error);
      throw error;
    }
  };
}

/** Puts a function in another's place with everything that hangs on it, its promisified form among it. */
export function replace(methods: Methods, name: string, replacement: AnyFunction): void {
  const original = methods[name] as AnyFunction & { [promisify.custom]?: AnyFunction };
  const properties = Object.getOwnPropertyDescriptors(original) as PropertyDescriptorMap;
  delete properties.prototype;
  const promisified = original[promisify.custom];
  if (typeof promisified === "function")
    Object.assign(properties, {
      [promisify.custom]: { value: watched(promisified, (values) => String(values[0])), configurable: true },
    });
  Object.defineProperties(replacement, properties);
  const descriptor = Object.getOwnPropertyDescriptor(methods, name);
  Object.defineProperty(methods, name, {
    value: replacement,
    enumerable: descriptor?.enumerable ?? true,
    configurable: true,
    writable: true,
  });
}

/** Refuses functions of a module: by their callback, their promise, or by throwing, as they would fail themselves. */
export function refuseMethods(
  module: object,
  names: readonly string[],
  act: AttemptAct,
  fails: "callback" | "promise" | "throw",
  describe: (name: string, values: readonly unknown[]) => string,
): void {
  const methods = module as Methods;
  for (const name of names) {
    if (typeof methods[name] !== "function") continue;
    replace(methods, name, (...values) => {
      const what = describe(name, values);
      noteAttempt(act, what);
      const callback = values.at(-1);
      if (fails === "promise") return Promise.reject(refusal(what));
      if (fails === "throw" || typeof callback !== "function") throw refusal(what);
      process.nextTick(callback as (error: Error) => void, refusal(what));
      return undefined;
    });
  }
}
