"use client";
import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { usePathname } from "next/navigation";
import { useTRPC } from "@/live/trpc";
import { formatCount } from "@/text/format";
import { classes } from "@/ui/classes";
import { Mark } from "@/ui/mark";
import { isCurrent, navigation } from "./navigation";
import { useOpenCounts } from "./use-open-counts";

export function Sidebar() {
  const pathname = usePathname();
  const trpc = useTRPC();
  const { data: status } = useQuery(trpc.cluster.status.queryOptions());
  const counts = useOpenCounts();
  return (
    <aside className="border-line border-b bg-surface lg:w-52 lg:border-r lg:border-b-0">
      <div className="flex flex-col lg:sticky lg:top-0 lg:h-dvh">
        <Link href="/" className="flex h-12 items-center gap-2 px-4 font-semibold text-base tracking-tight">
          <Mark className="size-[22px] text-accent" />
          Redoubt
        </Link>
        <nav
          aria-label="Pages"
          className="relative flex gap-x-4 overflow-x-auto px-2 pb-2 lg:flex-col lg:gap-y-4 lg:pt-3"
        >
          {navigation.map((group) => (
            <div key={group.title} className="flex gap-1 lg:block">
              <p className="mb-1 hidden px-2 text-ink-faint text-xs lg:block">{group.title}</p>
              {group.pages.map(({ href, title, Icon }) => (
                <Link
                  key={href}
                  href={href}
                  aria-current={isCurrent(href, pathname) ? "page" : undefined}
                  className={classes(
                    "flex h-8 items-center gap-2 rounded-md px-2",
                    isCurrent(href, pathname)
                      ? "bg-accent-soft font-medium text-ink"
                      : "text-ink-soft hover:bg-hover hover:text-ink",
                  )}
                >
                  <Icon aria-hidden className="size-4" strokeWidth={1.9} />
                  {title}
                  <Count count={counts[href]} />
                </Link>
              ))}
            </div>
          ))}
        </nav>
        {status !== undefined && (
          <dl className="mt-auto hidden grid-cols-[auto_1fr] gap-x-3 px-4 pb-4 text-xs lg:grid">
            <dt className="text-ink-faint">Cluster</dt>
            <dd className="truncate">{status.cluster.name}</dd>
            <dt className="text-ink-faint">Profile</dt>
            <dd className="truncate">{status.cluster.profile}</dd>
          </dl>
        )}
      </div>
    </aside>
  );
}

function Count({ count }: { count: number | undefined }) {
  if (count === undefined || count === 0) return null;
  return (
    <span className="ml-auto rounded-sm bg-warn-soft px-1.5 font-medium text-2xs text-warn">
      {formatCount(count)}
      <span className="sr-only"> open</span>
    </span>
  );
}
