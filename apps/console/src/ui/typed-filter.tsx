"use client";
/** A text field that takes effect when the typing pauses, and follows when its value changes elsewhere (Back, Clear). */
import { useEffect, useState } from "react";
import { TextField } from "./field";

export interface TypedFilterProps {
  label: string;
  value: string;
  onSettle: (value: string) => void;
  placeholder?: string;
  className?: string;
  hint?: string;
  /** What is wrong with what was typed; null when nothing is. Such text takes no effect. */
  faultOf?: (typed: string) => string | null;
}

const typingPauseMs = 300;

export function TypedFilter({ label, value, onSettle, placeholder = "any", faultOf, ...rest }: TypedFilterProps) {
  const [typed, setTyped] = useState(value);
  const [settled, setSettled] = useState(value);
  if (value !== settled) {
    setSettled(value);
    setTyped(value);
  }
  const wanted = typed.trim();
  const fault = wanted === "" ? null : (faultOf?.(wanted) ?? null);
  useEffect(() => {
    if (wanted === settled || fault !== null) return;
    const timer = setTimeout(() => {
      setSettled(wanted);
      onSettle(wanted);
    }, typingPauseMs);
    return () => clearTimeout(timer);
  }, [wanted, settled, fault, onSettle]);
  return (
    <TextField
      label={label}
      value={typed}
      placeholder={placeholder}
      error={fault ?? undefined}
      onChange={(event) => setTyped(event.target.value)}
      {...rest}
    />
  );
}
