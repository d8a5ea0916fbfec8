/** The pages of the console in the order of an operator's day: what is wrong, where, what to decide, who did what. */
import {
  Activity,
  ArrowLeftRight,
  Bell,
  BookLock,
  Boxes,
  Landmark,
  Layers,
  LayoutDashboard,
  Package,
  ShieldAlert,
  Siren,
} from "lucide-react";

export const navigation = [
  {
    title: "Cluster",
    pages: [
      { href: "/", title: "Overview", Icon: LayoutDashboard },
      { href: "/nodes", title: "Nodes", Icon: Boxes },
      { href: "/degrees", title: "Degrees", Icon: Layers },
      { href: "/masters", title: "Masters", Icon: Landmark },
      { href: "/applications", title: "Applications", Icon: Package },
    ],
  },
  {
    title: "Requests",
    pages: [
      { href: "/requests", title: "Requests", Icon: ArrowLeftRight },
      { href: "/quarantine", title: "Quarantine", Icon: ShieldAlert },
      { href: "/state", title: "State", Icon: Activity },
    ],
  },
  {
    title: "Response",
    pages: [
      { href: "/incidents", title: "Incidents", Icon: Siren },
      { href: "/alerts", title: "Alerts", Icon: Bell },
      { href: "/audit", title: "Audit", Icon: BookLock },
    ],
  },
] as const;

/** "/" only by itself; every other page also for what is below it. */
export function isCurrent(href: string, pathname: string): boolean {
  return href === "/" ? pathname === "/" : pathname === href || pathname.startsWith(`${href}/`);
}
