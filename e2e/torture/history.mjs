/**
 * Judges what clients were told against what the cluster says it did. The cluster only gives an order: per account the
 * request ids of its verified versions. The order is not believed but replayed: every reply and every final balance must
 * come out of it to the cent. Then the whole history must have one serial order that also respects real time; the version
 * order is known, so this is a search for a cycle in a graph as large as the history, not a search over orders.
 */

/** @typedef {{ checking: number, savings: number }} Balances */

/**
 * One request with its definite answer; times by one clock of the client's, in milliseconds.
 * @typedef {object} Operation
 * @property {string} requestId
 * @property {string} operation
 * @property {any} input
 * @property {number} invokedAtMs when it was sent first
 * @property {number} completedAtMs when the definite answer was there
 * @property {number} status
 * @property {any} body
 */

/**
 * @typedef {object} History
 * @property {readonly Operation[]} operations
 * @property {ReadonlyMap<number, readonly string[]>} versions customer → request ids of the verified versions of this
 *   stretch, oldest first
 * @property {ReadonlyMap<number, Balances>} initial before the stretch
 * @property {ReadonlyMap<number, Balances>} final after it, as a client reads them
 */

/** @typedef {{ lost: number, doubled: number, serializable: boolean, problems: string[] }} Judgement */

/** What an answered operation did to one customer. @type {Record<string, (input: any, customer: number, before: Balances) => Balances>} */
const effects = {
  deposit: ({ account, amount }, _customer, before) => ({ ...before, [account]: before[account] + amount }),
  transfer: ({ from, amount }, customer, before) => ({
    ...before,
    checking: before.checking + (customer === from ? -amount : amount),
  }),
  "write-check": ({ amount }, _customer, { checking, savings }) => ({
    checking: Math.max(0, checking - amount),
    savings: savings - Math.max(0, amount - checking),
  }),
};

/** What the reply must say of the balances after it. @type {Record<string, (operation: Operation, after: Map<number, Balances>) => unknown>} */
const replies = {
  deposit: ({ input }, after) => ({ ...input, balance: after.get(input.customer)?.[input.account] }),
  transfer: ({ input }, after) => ({ ...input, checking: after.get(input.from)?.checking }),
  "write-check": ({ input }, after) => ({ ...input, ...after.get(input.customer) }),
};

/** @param {Operation} operation @returns {number[]} customers it wrote */
export function writesOf({ operation, input, status }) {
  if (status !== 200 || effects[operation] === undefined) return [];
  return operation === "transfer" ? [input.from, input.to] : [input.customer];
}

/**
 * @param {History} history
 * @returns {Judgement}
 */
export function judge(history) {
  /** @type {string[]} */
  const problems = [];
  const byId = new Map(history.operations.map((operation) => [operation.requestId, operation]));
  const { lost, doubled } = countEffects(history, byId, problems);
  const replayed = replay(history, byId, problems);
  const graph = buildGraph(history, replayed, problems);
  const cyclic = nodesInCycles(graph).filter((node) => node < history.operations.length);
  if (cyclic.length > 0) {
    const names = cyclic.slice(0, 6).map((node) => nameOf(/** @type {Operation} */ (history.operations[node])));
    problems.push(`no serial order for ${cyclic.length} operations: ${names.join("; ")}`);
  }
  return { lost, doubled, serializable: problems.length === 0, problems };
}

/** @param {Operation} operation */
const nameOf = ({ operation, input, requestId }) => `${operation} ${JSON.stringify(input)} (${requestId})`;

/**
 * @param {History} history
 * @param {ReadonlyMap<string, Operation>} byId
 * @param {string[]} problems
 */
function countEffects({ operations, versions }, byId, problems) {
  let lost = 0;
  let doubled = 0;
  const present = new Map([...versions].map(([customer, ids]) => [customer, new Set(ids)]));
  for (const operation of operations) {
    const missing = writesOf(operation).filter((customer) => !present.get(customer)?.has(operation.requestId));
    if (missing.length === 0) continue;
    lost++;
    problems.push(`acknowledged, but not in the state of ${missing.join(" and ")}: ${nameOf(operation)}`);
  }
  for (const [customer, ids] of versions) {
    const seen = new Set();
    for (const id of ids) {
      const operation = byId.get(id);
      const isWanted = operation !== undefined && writesOf(operation).includes(customer);
      if (isWanted && !seen.has(id)) seen.add(id);
      else {
        doubled++;
        const what = operation === undefined ? id : nameOf(operation);
        problems.push(`an effect on ${customer} ${isWanted ? "for the second time" : "nobody was told of"}: ${what}`);
      }
    }
  }
  return { lost, doubled };
}

/**
 * Applies the operations of every customer in version order.
 * @param {History} history
 * @param {ReadonlyMap<string, Operation>} byId
 * @param {string[]} problems
 * @returns {Map<number, Balances[]>} customer → balances at version 0 (before the stretch), 1, …
 */
function replay({ versions, initial, final }, byId, problems) {
  /** @type {Map<number, Balances[]>} */
  const states = new Map();
  /** @type {Map<string, Map<number, Balances>>} */
  const after = new Map();
  for (const [customer, start] of initial) {
    let state = start;
    const line = [state];
    for (const id of versions.get(customer) ?? []) {
      const operation = byId.get(id);
      if (operation !== undefined) state = effects[operation.operation]?.(operation.input, customer, state) ?? state;
      line.push(state);
      const known = after.get(id) ?? new Map();
      after.set(id, known.set(customer, state));
    }
    states.set(customer, line);
    if (!isSame(state, final.get(customer))) {
      problems.push(
        `customer ${customer} has ${JSON.stringify(final.get(customer))}, ${JSON.stringify(state)} expected`,
      );
    }
  }
  for (const [id, balances] of after) {
    const operation = byId.get(id);
    const expected = operation && replies[operation.operation]?.(operation, balances);
    if (operation !== undefined && !isSame(expected, operation.body)) {
      problems.push(
        `${nameOf(operation)} was answered ${JSON.stringify(operation.body)}, ${JSON.stringify(expected)} expected`,
      );
    }
  }
  return states;
}

/** @param {any} left @param {any} right both flat */
function isSame(left, right) {
  const keys = Object.keys(left ?? {});
  return keys.length === Object.keys(right ?? {}).length && keys.every((key) => left[key] === right[key]);
}

/**
 * Edges between operations, then one node per completion for real time.
 * @param {History} history
 * @param {ReadonlyMap<number, readonly Balances[]>} states
 * @param {string[]} problems
 * @returns {number[][]}
 */
function buildGraph({ operations, versions }, states, problems) {
  /** @type {number[][]} */
  const edges = operations.map(() => []);
  const nodeOf = new Map(operations.map(({ requestId }, node) => [requestId, node]));
  /** @type {Map<string, number[]>} `customer version` → nodes that read it */
  const readers = new Map();
  operations.forEach((operation, node) => {
    if (operation.operation !== "balance" || operation.status !== 200) return;
    const { customer, ...seen } = operation.body;
    const line = states.get(customer) ?? [];
    const matching = line.flatMap((state, version) => (isSame(state, seen) ? [version] : []));
    if (matching.length === 0) problems.push(`${nameOf(operation)} saw ${JSON.stringify(seen)}, which never was`);
    // Balances that came back later name no version: such a read says nothing about the order.
    if (matching.length !== 1) return;
    const key = `${customer} ${matching[0]}`;
    readers.set(key, [...(readers.get(key) ?? []), node]);
  });
  for (const [customer, ids] of versions) {
    /** @type {number | undefined} */
    let writer;
    for (let version = 0; version <= ids.length; version++) {
      const next = version < ids.length ? nodeOf.get(/** @type {string} */ (ids[version])) : undefined;
      if (writer !== undefined && next !== undefined) edges[writer]?.push(next);
      for (const reader of readers.get(`${customer} ${version}`) ?? []) {
        if (writer !== undefined) edges[writer]?.push(reader);
        if (next !== undefined) edges[reader]?.push(next);
      }
      writer = next ?? writer;
    }
  }
  addRealTime(operations, edges);
  return edges;
}

/**
 * Completion k → completion k+1; operation → its completion; last completion before an invocation → that operation.
 * @param {readonly Operation[]} operations
 * @param {number[][]} edges
 */
function addRealTime(operations, edges) {
  const order = operations
    .map(({ completedAtMs }, node) => ({ completedAtMs, node }))
    .sort((left, right) => left.completedAtMs - right.completedAtMs);
  const base = operations.length;
  order.forEach(({ node }, rank) => {
    edges[base + rank] = rank + 1 < order.length ? [base + rank + 1] : [];
    edges[node]?.push(base + rank);
  });
  operations.forEach(({ invokedAtMs }, node) => {
    let low = 0;
    let high = order.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (/** @type {{ completedAtMs: number }} */ (order[middle]).completedAtMs < invokedAtMs) low = middle + 1;
      else high = middle;
    }
    if (low > 0) edges[base + low - 1]?.push(node);
  });
}

/**
 * What is left when everything without incoming edges has been taken away lies on a cycle or behind one.
 * @param {readonly (readonly number[])[]} edges
 */
function nodesInCycles(edges) {
  const incoming = new Int32Array(edges.length);
  for (const targets of edges) for (const target of targets) incoming[target] = (incoming[target] ?? 0) + 1;
  const free = edges.flatMap((_, node) => (incoming[node] === 0 ? [node] : []));
  const left = new Set(edges.keys());
  for (let node = free.pop(); node !== undefined; node = free.pop()) {
    left.delete(node);
    for (const target of edges[node] ?? []) {
      incoming[target] = (incoming[target] ?? 0) - 1;
      if (incoming[target] === 0) free.push(target);
    }
  }
  return [...left];
}
