/**
 * Names of checks in words. A check's name is stable and is what records, signatures and commands carry; beside it people
 * read what the check asks for. An application's own checks are named by their developers, whose words they are.
 */

/** What each built-in check asks for: it holds, or the request is quarantined. */
const titles: Readonly<Record<string, string>> = {
  // Combinators of acceptance tests.
  conserves: "the total stays the same",
  "only-changes": "nothing else is changed",
  unchanged: "what must stay is unchanged",
  "plain-text": "a reply in words hides nothing",
  // Built into every acceptance test.
  operation: "the operation exists",
  "access-template": "the input names its objects",
  "access-log": "only declared objects are used",
  "read-only": "a read changes nothing",
  "reply-status": "the reply's status is a promised one",
  "reply-schema": "the reply has the promised form",
  "object-schema": "objects have the promised form",
  completeness: "everything promised is changed",
  "refusal-unknown": "a refusal is a promised one",
  "refusal-with-writes": "a refusal changes nothing",
  "refusal-unproved": "the state proves the refusal",
  "missing-evidence": "the evidence is complete",
  "acceptance-error": "the acceptance test ends well",
  confidentiality: "no secret leaves with the reply",
  // Of the regulator and the replicas.
  "equal-changes": "all replicas got the same change",
  "incomplete-change": "every replica got the change",
  deadline: "it is answered in time",
  "process-gone": "its process survives it",
};

/** "conserves" → "the total stays the same"; "reply-matches", which an application named, → "reply matches". */
export function checkTitle(check: string): string {
  return Object.hasOwn(titles, check) ? (titles[check] ?? check) : check.replaceAll("-", " ");
}
