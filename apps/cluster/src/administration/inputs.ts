/** Input schemas that several procedures share. Messages say what was expected, because they reach the person who typed. */
import { feedComponentSchema } from "@redoubt/shared";
import { z } from "zod";

export const requestIdInput = z.string().regex(/^[0-9a-f]{64}$/, "expected a request id of 64 hex digits");
export const reasonInput = z
  .string()
  .trim()
  .min(3, "expected a reason of at least 3 characters")
  .max(500, "expected a reason of at most 500 characters");
export const nameInput = z.string().trim().min(1, "expected a name").max(200, "expected at most 200 characters");
export const identifierInput = z.string().min(1, "expected an identifier").max(100, "expected at most 100 characters");
export const componentInput = feedComponentSchema;
export const objectInput = z
  .string()
  .max(512, "expected at most 512 characters")
  .regex(/^[a-z][a-z0-9-]*\/.+$/, "expected an object name of the form type/key, such as account/1");
export const limitInput = z.int().min(1).max(500, "expected at most 500").default(100);
export const hashInput = z.string().regex(/^[0-9a-f]{64}$/, "expected the content address of a bundle, 64 hex digits");
