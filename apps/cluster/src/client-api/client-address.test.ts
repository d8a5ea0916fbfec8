import { describe, expect, test } from "vitest";
import { clientAddress } from "./client-address.ts";

const PROXIES = new Set(["10.0.0.1", "10.0.0.2"]);

describe("the client's address", () => {
  test("is the socket's, whatever a client says about itself", () => {
    expect(clientAddress("::ffff:127.9.0.7", "1.2.3.4", PROXIES)).toBe("127.9.0.7");
  });

  test("is what a trusted proxy saw, not what was told to it", () => {
    expect(clientAddress("10.0.0.1", "6.6.6.6, 127.9.0.7", PROXIES)).toBe("127.9.0.7");
    expect(clientAddress("10.0.0.1", "6.6.6.6, 127.9.0.7, 10.0.0.2", PROXIES)).toBe("127.9.0.7");
  });

  test("is the proxy's own when it tells none", () => {
    expect(clientAddress("10.0.0.1", undefined, PROXIES)).toBe("10.0.0.1");
    expect(clientAddress("10.0.0.1", " , 10.0.0.2", PROXIES)).toBe("10.0.0.1");
  });
});
