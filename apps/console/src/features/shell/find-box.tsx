"use client";
/** Finds a request or an object from anywhere; "/" puts the cursor here, as in so many tools. */
import { Search } from "lucide-react";
import { useEffect, useId, useRef, useState } from "react";
import { useFind } from "@/features/requests/use-find";

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || /^(input|textarea|select)$/i.test(target.tagName));

export function FindBox() {
  const input = useRef<HTMLInputElement>(null);
  const faultId = useId();
  const [typed, setTyped] = useState("");
  const { fault, find, clear } = useFind(() => {
    setTyped("");
    input.current?.blur();
  });
  useEffect(() => {
    const focus = (event: KeyboardEvent) => {
      if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      event.preventDefault();
      input.current?.focus();
    };
    window.addEventListener("keydown", focus);
    return () => window.removeEventListener("keydown", focus);
  }, []);
  return (
    <search className="relative hidden min-w-0 max-w-sm flex-1 md:block">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          find(typed);
        }}
      >
        <Search aria-hidden className="pointer-events-none absolute top-2 left-2.5 size-3.5 text-ink-faint" />
        <input
          ref={input}
          type="search"
          aria-label="Find a request or an object"
          aria-describedby={fault === null ? undefined : faultId}
          aria-invalid={fault === null ? undefined : true}
          placeholder="Request id or object"
          value={typed}
          onChange={(event) => {
            setTyped(event.target.value);
            clear();
          }}
          onKeyDown={(event) => event.key === "Escape" && input.current?.blur()}
          onBlur={clear}
          className="peer h-[30px] w-full rounded-md border border-line bg-surface pr-8 pl-8 text-ink text-xs placeholder:text-ink-faint hover:border-line-strong aria-invalid:border-bad"
        />
        <kbd
          aria-hidden
          className="pointer-events-none absolute top-[6px] right-2 rounded-sm border border-line px-1.5 text-2xs text-ink-faint peer-focus:hidden"
        >
          /
        </kbd>
      </form>
      {fault !== null && (
        <p
          id={faultId}
          role="alert"
          className="absolute top-9 right-0 left-0 z-30 rounded-md border border-line-strong bg-surface px-3 py-2 text-xs shadow-lg"
        >
          {fault}
        </p>
      )}
    </search>
  );
}
