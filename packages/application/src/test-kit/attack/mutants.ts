/**
 * Source mutants of `execution.ts` and the files of its folder that it imports: small, plausible mistakes, one at a time, made on the
 * syntax tree and written as changes of the text, so that comments and types stay as they are. A captured server is not bound to small
 * changes, but an acceptance test that misses these misses what a programmer may do in good faith.
 */
import type { Node } from "typescript/unstable/ast";
import { SyntaxKind } from "typescript/unstable/ast";
import * as is from "typescript/unstable/ast/is";
import { createVirtualFileSystem } from "typescript/unstable/fs";
import { API } from "typescript/unstable/sync";

export interface Mutant {
  /** Name of the file in the application's folder. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** Such as `+ instead of -` or `removed transaction.set(…)`. */
  readonly what: string;
  /** The whole file as mutated. */
  readonly text: string;
}

/** A change of the text: what stands between two offsets is replaced. */
interface Change {
  readonly start: number;
  readonly end: number;
  readonly by: string;
  readonly what: string;
}

/** Mutants of these sources (by file name), in the order of the text. */
export function mutantsOf(sources: Readonly<Record<string, string>>): Mutant[] {
  const root = "/application";
  const files = Object.fromEntries(Object.entries(sources).map(([name, text]) => [`${root}/${name}`, text]));
  const configuration = { compilerOptions: { noLib: true, types: [] }, files: Object.keys(sources) };
  const api = new API({
    cwd: root,
    fs: createVirtualFileSystem({ ...files, [`${root}/tsconfig.json`]: JSON.stringify(configuration) }),
  });
  try {
    const snapshot = api.updateSnapshot({ openProjects: [`${root}/tsconfig.json`] });
    const program = snapshot.getProjects()[0]?.program;
    return Object.entries(sources).flatMap(([file, text]) => {
      const tree = program?.getSourceFile(`${root}/${file}`);
      if (!tree) throw new Error(`${file} cannot be read as TypeScript`);
      return unique(changesIn(tree, text)).map((change) => mutantFrom(file, text, change));
    });
  } finally {
    api.close();
  }
}

function mutantFrom(file: string, text: string, { start, end, by, what }: Change): Mutant {
  const line = text.slice(0, start).split("\n").length;
  return { file, line, what, text: text.slice(0, start) + by + text.slice(end) };
}

function unique(changes: readonly Change[]): Change[] {
  const seen = new Map(changes.map((change) => [`${change.start}:${change.end}:${change.by}`, change]));
  return [...seen.values()].sort((first, second) => first.start - second.start);
}

/** What is known on the way down: names that an input is taken apart into. */
interface Scope {
  readonly text: string;
  readonly siblings: ReadonlyMap<string, string>;
}

function changesIn(tree: Node, text: string): Change[] {
  const found: Change[] = [];
  const visit = (node: Node, scope: Scope): void => {
    if (is.isImportDeclaration(node) || is.isTypeNode(node)) return;
    const inside = is.isFunctionLikeDeclaration(node) ? withParameters(node, scope) : scope;
    for (const mutate of MUTATORS) found.push(...mutate(node, inside));
    node.forEachChild((child) => visit(child, inside));
  };
  visit(tree, { text, siblings: new Map() });
  return found;
}

/** Each name of a destructured parameter with the next one: who pays and who gets are easily confused. */
function withParameters(node: Node, scope: Scope): Scope {
  const siblings = new Map(scope.siblings);
  node.forEachChild((parameter) => {
    if (!is.isParameterDeclaration(parameter) || !is.isObjectBindingPattern(parameter.name)) return;
    const names = parameter.name.elements.flatMap(({ name }) => (name && is.isIdentifier(name) ? [name.text] : []));
    for (const [index, name] of names.entries()) {
      const next = names[(index + 1) % names.length];
      if (next !== undefined && next !== name) siblings.set(name, next);
    }
  });
  return { ...scope, siblings };
}

type Mutator = (node: Node, scope: Scope) => Change[];

const startOf = (node: Node): number => node.getStart();
const sourceOf = (node: Node, { text }: Scope): string => text.slice(startOf(node), node.end);
const replaced = (node: Node, by: string, what: string): Change => ({ start: startOf(node), end: node.end, by, what });
const brief = (text: string): string => {
  const plain = text.replace(/\s+/g, " ");
  return plain.length > 48 ? `${plain.slice(0, 47)}…` : plain;
};

const OPERATORS: Readonly<Record<string, readonly string[]>> = {
  "+": ["-"],
  "-": ["+"],
  "*": ["/"],
  "/": ["*"],
  "%": ["*"],
  "+=": ["-="],
  "-=": ["+="],
  "*=": ["/="],
  "<": ["<=", ">"],
  "<=": ["<", ">"],
  ">": [">=", "<"],
  ">=": [">", "<"],
  "===": ["!=="],
  "!==": ["==="],
  "==": ["!="],
  "!=": ["=="],
  "&&": ["||"],
  "||": ["&&"],
};

const operators: Mutator = (node, scope) => {
  if (!is.isBinaryExpression(node)) return [];
  const { left, operatorToken, right } = node;
  const operator = sourceOf(operatorToken, scope);
  const others = (Object.hasOwn(OPERATORS, operator) ? OPERATORS[operator] : undefined) ?? [];
  const swaps = others.map((other) => replaced(operatorToken, other, `${other} instead of ${operator}`));
  if (operator !== "??" && !/^[-+*/%]$/.test(operator)) return swaps;
  return [...swaps, replaced(node, sourceOf(left, scope), `without ${brief(`${operator} ${sourceOf(right, scope)}`)}`)];
};

const constants: Mutator = (node, scope) => {
  if (is.isNumericLiteral(node)) {
    const value = Number(sourceOf(node, scope));
    if (!Number.isFinite(value)) return [];
    const others = value === 0 ? [1] : [value + 1, 0];
    return others.map((other) => replaced(node, String(other), `${other} instead of ${value}`));
  }
  if (node.kind === SyntaxKind.TrueKeyword) return [replaced(node, "false", "false instead of true")];
  if (node.kind === SyntaxKind.FalseKeyword) return [replaced(node, "true", "true instead of false")];
  if (is.isStringLiteral(node) && !isName(node))
    return [replaced(node, '""', `"" instead of ${brief(sourceOf(node, scope))}`)];
  return [];
};

/** Texts that name something: a property, a refusal, a type. Without them nothing runs at all. */
function isName(node: Node): boolean {
  const { parent } = node;
  return (
    parent === undefined ||
    is.isLiteralTypeNode(parent) ||
    is.isPropertyAssignment(parent) ||
    is.isMethodDeclaration(parent)
  );
}

const conditions: Mutator = (node, scope) => {
  const negated = (condition: Node): Change[] => [
    replaced(condition, `!(${sourceOf(condition, scope)})`, `negated ${brief(sourceOf(condition, scope))}`),
  ];
  const never = (condition: Node): Change[] => [
    replaced(condition, "false", `never ${brief(sourceOf(condition, scope))}`),
    replaced(condition, "true", `always ${brief(sourceOf(condition, scope))}`),
  ];
  if (is.isIfStatement(node)) return [...negated(node.expression), ...never(node.expression)];
  if (is.isConditionalExpression(node)) return [...negated(node.condition), ...never(node.condition)];
  if (is.isWhileStatement(node)) return negated(node.expression);
  if (is.isPrefixUnaryExpression(node) && /^[!-]/.test(sourceOf(node, scope)))
    return [
      replaced(
        node,
        sourceOf(node.operand, scope),
        `without the ${sourceOf(node, scope)[0]} of ${brief(sourceOf(node, scope))}`,
      ),
    ];
  return [];
};

const removals: Mutator = (node, scope) => {
  if (is.isExpressionStatement(node)) return [replaced(node, ";", `removed ${brief(sourceOf(node, scope))}`)];
  if (is.isForOfStatement(node) || is.isForStatement(node) || is.isForInStatement(node))
    return [replaced(node.statement, "{}", `loop does nothing: ${brief(sourceOf(node, scope))}`)];
  if (is.isAwaitExpression(node))
    return [
      replaced(node, sourceOf(node.expression, scope), `dropped await of ${brief(sourceOf(node.expression, scope))}`),
    ];
  if (is.isSpreadAssignment(node)) return [replaced(node, "", `removed ${brief(sourceOf(node, scope))}`)];
  return [];
};

/** Fields of an object literal: one with the value of the next, one missing. */
const fields: Mutator = (node, scope) => {
  if (!is.isObjectLiteralExpression(node)) return [];
  const properties = [...node.properties].filter(
    (property) => is.isPropertyAssignment(property) || is.isShorthandPropertyAssignment(property),
  );
  return properties.flatMap((property, index) => {
    const name = sourceOf(property.name, scope);
    const next = properties[(index + 1) % properties.length];
    const removed = replaced(property, "", `field ${name} missing`);
    if (!next || next === property) return [removed];
    const value = is.isPropertyAssignment(next) ? sourceOf(next.initializer, scope) : sourceOf(next.name, scope);
    return [removed, replaced(property, `${name}: ${value}`, `field ${name} = ${brief(value)}`)];
  });
};

const calls: Mutator = (node, scope) => {
  if (!is.isCallExpression(node)) return [];
  const [first, second] = node.arguments;
  const name = sourceOf(node.expression, scope);
  const found: Change[] = [];
  const method = /\b(min|max|some|every)$/.exec(name)?.[1] as keyof typeof OPPOSITES | undefined;
  if (method)
    found.push(
      replaced(
        node.expression,
        name.slice(0, -method.length) + OPPOSITES[method],
        `${OPPOSITES[method]} instead of ${method}`,
      ),
    );
  if (!first || /^(transaction|tx|context)\./.test(name)) return found;
  if (!is.isArrowFunction(first))
    found.push(
      replaced(
        node,
        sourceOf(first, scope),
        `${brief(sourceOf(first, scope))} instead of ${brief(sourceOf(node, scope))}`,
      ),
    );
  if (second && !is.isSpreadElement(first)) {
    const swapped = `${sourceOf(second, scope)}, ${sourceOf(first, scope)}`;
    found.push({ start: startOf(first), end: second.end, by: swapped, what: `arguments of ${brief(name)} exchanged` });
  }
  return found;
};

const OPPOSITES = { min: "max", max: "min", some: "every", every: "some" } as const;

/** A field of the input in the place of another. */
const names: Mutator = (node, scope) => {
  if (!is.isIdentifier(node)) return [];
  const other = scope.siblings.get(node.text);
  const { parent } = node;
  if (other === undefined || parent === undefined || is.isBindingElement(parent)) return [];
  if (is.isPropertyAccessExpression(parent) && parent.name === node) return [];
  if (is.isPropertyAssignment(parent) && parent.name === node) return [];
  const by = is.isShorthandPropertyAssignment(parent) ? `${node.text}: ${other}` : other;
  return [replaced(node, by, `${other} instead of ${node.text}`)];
};

const MUTATORS: readonly Mutator[] = [operators, constants, conditions, removals, fields, calls, names];
