import { describe, expect, it } from "vitest";
import { ownOrigins } from "./origins.ts";

describe("ownOrigins", () => {
  it.each([
    ["http://127.0.0.1:7401", ["http://127.0.0.1:7401", "http://localhost:7401"]],
    ["http://localhost:7401/", ["http://localhost:7401", "http://127.0.0.1:7401"]],
    ["https://console.example.org", ["https://console.example.org"]],
  ])("takes %s in both spellings of loopback and nowhere else", (url, origins) => {
    expect(ownOrigins(url)).toEqual(origins);
  });
});
