import { OverviewPanel } from "@/features/overview/overview-panel";

/** The layout has asked for the status already; the panel finds it in the cache. */
export default function OverviewPage() {
  return <OverviewPanel />;
}
