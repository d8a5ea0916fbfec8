import { describe, expect, test } from "vitest";
import type { Administration } from "./administration.ts";
import { onlyMatch, wholeRequestId } from "./request-id.ts";

const id = (beginning: string): string => beginning.padEnd(64, "0");
const unasked = {} as Administration;

describe("a request id", () => {
  test("given whole is taken as it is, in either case, without asking anybody", async () => {
    expect(await wholeRequestId(unasked, id("AB12"))).toBe(id("ab12"));
  });

  test.each(["", "abc", "zzzzzz", `${id("a")}0`, "../../x"])(
    "%j is refused, naming what was expected",
    async (given) => {
      await expect(wholeRequestId(unasked, given)).rejects.toThrow(/requestId: 64 hex digits/);
    },
  );

  test("may be given by its beginning while that names one request", () => {
    const entries = [{ requestId: id("aaaaaa1") }, { requestId: id("aaaaaa2") }, { requestId: null }];
    expect(onlyMatch("aaaaaa1", [...entries, ...entries])).toEqual({ requestId: id("aaaaaa1") });
    expect(onlyMatch("aaaaaa", entries)).toBe("several");
    expect(onlyMatch("bbbbbb", entries)).toBe("none");
  });
});
