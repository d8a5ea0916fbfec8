/**
 * The trusted part of an application: for each operation what a correct change looks like, and when each refusal is
 * justified. Written with the combinators of this folder; pure and synchronous.
 */
import type { ContractDefinition, InputOf, OperationName, OutputOf, RefusalName } from "../contract/define-contract.ts";
import type { AcceptanceView } from "./acceptance-view.ts";

/** A failed check: its stable name and a sentence for administrators. */
export interface CheckFailure {
  readonly check: string;
  readonly detail: string;
}

/** One check: undefined when it holds. */
export type Check<View> = (view: View) => CheckFailure | undefined;

export type ViewOf<Contract extends ContractDefinition, Name extends OperationName<Contract>> = AcceptanceView<
  Contract,
  InputOf<Contract, Name>,
  OutputOf<Contract, Name>
>;

export type OperationAcceptance<Contract extends ContractDefinition, Name extends OperationName<Contract>> = {
  /** Checks a change whose reply was not a refusal. */
  readonly accept: Check<ViewOf<Contract, Name>>;
} & ([RefusalName<Contract, Name>] extends [never]
  ? { readonly refusals?: undefined }
  : {
      /** For each refusal of the contract: true when the versions read justify it. */
      readonly refusals: {
        readonly [Refusal in RefusalName<Contract, Name>]: (view: ViewOf<Contract, Name>) => boolean;
      };
    });

export type AcceptanceDefinition<Contract extends ContractDefinition> = {
  readonly [Name in OperationName<Contract>]: OperationAcceptance<Contract, Name>;
};

/** An acceptance test as the infrastructure holds it, whatever its contract. */
export interface AcceptanceRoutine {
  readonly accept: (view: AcceptanceView) => CheckFailure | undefined;
  readonly refusals?: Readonly<Record<string, (view: AcceptanceView) => boolean>> | undefined;
}

/** Returns the acceptance tests as they are, typed by the contract: `defineAcceptance<typeof contract>({ … })`. */
export const defineAcceptance = <Contract extends ContractDefinition>(
  tests: AcceptanceDefinition<Contract>,
): AcceptanceDefinition<Contract> => tests;
