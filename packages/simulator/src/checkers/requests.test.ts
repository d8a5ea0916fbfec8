import { expect, test } from "vitest";
import { eachVerified, healthyHistory, invariantsOf, lastOf, otherDigest, tampered } from "./history.test-support.ts";
import { checkRequests } from "./requests.ts";

test("a healthy history passes", () => {
  expect(healthyHistory().operations.length).toBe(36);
  expect(checkRequests(healthyHistory())).toEqual([]);
});

test("a reply that left and whose change is no longer there is found (I3): released, then void", () => {
  const history = tampered((draft) => {
    const { requestId } = lastOf(draft, "transfer");
    eachVerified(draft, (decision, all) => {
      if (decision.change.requestId === requestId) all.splice(all.indexOf(decision), 1);
    });
  });
  expect(invariantsOf(checkRequests(history))).toEqual(["I3"]);
});

test("two verified changes of one request are found (I4): a double effect", () => {
  const history = tampered((draft) => {
    const { requestId } = lastOf(draft, "deposit");
    eachVerified(draft, (decision, all) => {
      if (decision.change.requestId !== requestId) return;
      all.push({ ...decision, change: { ...decision.change, attempt: 2, digest: otherDigest("a") } });
    });
  });
  expect(invariantsOf(checkRequests(history))).toEqual(["I4"]);
});

test("an answer that is not the verified one is found (I4)", () => {
  const history = tampered((draft) => {
    const operation = lastOf(draft, "transfer");
    operation.replyText = (operation.replyText ?? "").replace(/"balance":\d/, '"balance":9');
  });
  expect(invariantsOf(checkRequests(history))).toEqual(["I4"]);
});

test("a request that is closed or rejected although a change of it is verified is found (I4)", () => {
  const closed = tampered((draft) => {
    const { requestId } = lastOf(draft, "transfer");
    if (!requestId) throw new Error("no request id");
    draft.decisions.get("state-master-1/1")?.push({
      slot: 1_000_000,
      at: 0,
      decisions: [{ kind: "closed", requestId, home: 0 }],
    });
    eachVerified(draft, () => undefined);
    for (const [master, stream] of draft.decisions) if (master !== "state-master-1/1") stream.length = 0;
  });
  expect(invariantsOf(checkRequests(closed))).toEqual(["I4"]);
  const rejected = tampered((draft) => {
    lastOf(draft, "transfer").status = 403;
  });
  expect(invariantsOf(checkRequests(rejected))).toEqual(["I4"]);
});

test("a malformed request that was accepted is found (I2)", () => {
  const history = tampered((draft) => {
    lastOf(draft, "deposit").operation = "plunder";
  });
  expect(invariantsOf(checkRequests(history))).toEqual(["I2"]);
});

test("a quarantined request that is executed again is found (I10)", () => {
  const history = tampered((draft) => {
    const { requestId } = lastOf(draft, "deposit");
    if (requestId) draft.executionsAfterRejection.push(requestId);
  });
  expect(invariantsOf(checkRequests(history))).toEqual(["I10"]);
});

test("a verified change of a request that no client made is found (I2)", () => {
  const history = tampered((draft) => {
    draft.operations = draft.operations.filter(({ requestId }) => requestId !== lastOf(draft, "deposit").requestId);
  });
  expect(invariantsOf(checkRequests(history))).toEqual(["I2"]);
});
