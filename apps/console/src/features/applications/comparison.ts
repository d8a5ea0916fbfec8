/** What another version of the application would do otherwise, as far as their contracts say, and words for both pages. Pure. */
import type { ApplicationVersion, OperationStrength } from "../../live/types.ts";

export interface Difference {
  /** Operations that clients could call and then could not, or the other way round. */
  lost: string[];
  gained: string[];
  /** Operations judged by other checks. */
  judgedOtherwise: string[];
  /** Types whose objects have another schema. */
  schemas: { type: string; from: number; to: number }[];
}

type Compared = Pick<ApplicationVersion, "operations" | "objects">;

export function differenceOf(from: Compared, to: Compared): Difference {
  const names = ({ operations }: Compared) => new Set(operations.map(({ operation }) => operation));
  const [before, after] = [names(from), names(to)];
  const judged = new Map(to.operations.map((operation) => [operation.operation, strengthText(operation)]));
  return {
    lost: [...before].filter((name) => !after.has(name)),
    gained: [...after].filter((name) => !before.has(name)),
    judgedOtherwise: from.operations
      .filter((each) => judged.has(each.operation) && judged.get(each.operation) !== strengthText(each))
      .map(({ operation }) => operation),
    schemas: from.objects.flatMap(({ type, schemaVersion }) => {
      const other = to.objects.find((each) => each.type === type);
      return other === undefined || other.schemaVersion === schemaVersion
        ? []
        : [{ type, from: schemaVersion, to: other.schemaVersion }];
    }),
  };
}

/** "2 must, 1 conserves"; empty when it has no checks of its own. */
export function strengthText({ combinators }: Pick<OperationStrength, "combinators">): string {
  return combinators.map(({ kind, count }) => `${count} ${kind}`).join(", ");
}

/** What must be typed to go back: never a word one types by habit. */
export const confirmationOf = ({ name, version }: { name: string; version: number }): string => `${name} ${version}`;
