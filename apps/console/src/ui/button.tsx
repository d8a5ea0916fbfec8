import type { ComponentProps } from "react";
import { classes } from "./classes";

export type ButtonLook = "primary" | "secondary" | "danger" | "ghost";

const looks: Record<ButtonLook, string> = {
  primary: "bg-accent text-accent-ink hover:bg-accent-hover",
  secondary: "border border-line-strong bg-surface text-ink hover:bg-hover",
  danger: "border border-bad bg-surface text-bad hover:bg-bad-soft",
  ghost: "text-ink-soft hover:bg-hover hover:text-ink",
};

export interface ButtonProps extends ComponentProps<"button"> {
  look?: ButtonLook;
  size?: "sm" | "md" | "icon";
}

const sizes = { sm: "h-7 px-2.5 text-xs", md: "h-8 px-3 text-sm", icon: "size-8 justify-center" } as const;

export function buttonClasses(look: ButtonLook, size: keyof typeof sizes, className?: string): string {
  return classes(
    "inline-flex shrink-0 items-center justify-center gap-1.5 whitespace-nowrap rounded-md font-medium transition-colors",
    "disabled:pointer-events-none disabled:opacity-50",
    looks[look],
    sizes[size],
    className,
  );
}

export function Button({ look = "secondary", size = "md", type = "button", className, ...rest }: ButtonProps) {
  return <button type={type} className={buttonClasses(look, size, className)} {...rest} />;
}
