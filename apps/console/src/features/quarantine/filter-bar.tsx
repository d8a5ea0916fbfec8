"use client";
import { quarantineReasons, quarantineStates } from "@redoubt/shared";
import { Button } from "@/ui/button";
import { SelectField } from "@/ui/field";
import { TypedFilter } from "@/ui/typed-filter";
import { type Filters, noFilters, writeFilters } from "./filters";
import { reasonTitles, stateTitles } from "./words";

export interface FilterBarProps {
  filters: Filters;
  onChange: (filters: Filters) => void;
}

export function FilterBar({ filters, onChange }: FilterBarProps) {
  return (
    <search className="grid grid-cols-2 items-end gap-3 sm:grid-cols-3 lg:grid-cols-[repeat(5,minmax(0,170px))_auto]">
      <SelectField
        label="State"
        value={filters.state}
        onChange={(event) => onChange({ ...filters, state: event.target.value as Filters["state"] })}
        options={[
          { value: "open", label: "Undecided" },
          { value: "all", label: "All" },
          ...quarantineStates.map((state) => ({ value: state, label: stateTitles[state] })),
        ]}
      />
      <SelectField
        label="Reason"
        value={filters.reason ?? ""}
        onChange={(event) =>
          onChange({ ...filters, reason: quarantineReasons.find((each) => each === event.target.value) ?? null })
        }
        options={[
          { value: "", label: "Any" },
          ...quarantineReasons.map((reason) => ({ value: reason, label: reasonTitles[reason] })),
        ]}
      />
      <TypedFilter
        label="Operation"
        value={filters.operation}
        onSettle={(operation) => onChange({ ...filters, operation })}
      />
      <TypedFilter label="Client" value={filters.client} onSettle={(client) => onChange({ ...filters, client })} />
      <TypedFilter label="Host" value={filters.host} onSettle={(host) => onChange({ ...filters, host })} />
      {writeFilters(filters) !== "" && (
        <Button look="ghost" className="justify-self-start" onClick={() => onChange(noFilters)}>
          Clear
        </Button>
      )}
    </search>
  );
}
