"use client";
import { Menu as Base } from "@base-ui/react/menu";
import type { ReactNode } from "react";
import { buttonClasses } from "./button";

export interface MenuProps {
  label: string;
  trigger: ReactNode;
  header?: ReactNode;
  items: readonly { label: string; icon?: ReactNode; onSelect: () => void }[];
}

export function Menu({ label, trigger, header, items }: MenuProps) {
  return (
    <Base.Root>
      <Base.Trigger aria-label={label} className={buttonClasses("ghost", "sm")}>
        {trigger}
      </Base.Trigger>
      <Base.Portal>
        <Base.Positioner sideOffset={6} align="end" className="z-50">
          <Base.Popup className="min-w-48 rounded-md border border-line-strong bg-surface p-1 shadow-xl outline-none">
            {header !== undefined && (
              <div className="mb-1 border-line border-b px-2 pt-1 pb-2 text-ink-soft text-xs">{header}</div>
            )}
            {items.map((item) => (
              <Base.Item
                key={item.label}
                onClick={item.onSelect}
                className="flex h-8 cursor-pointer items-center gap-2 rounded-sm px-2 outline-none data-[highlighted]:bg-hover"
              >
                {item.icon}
                {item.label}
              </Base.Item>
            ))}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}
