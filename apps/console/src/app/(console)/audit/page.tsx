import { dehydrate, HydrationBoundary } from "@tanstack/react-query";
import type { Metadata } from "next";
import { AuditPanel } from "@/features/audit/audit-panel";
import { auditInput } from "@/features/audit/inputs";
import { manager } from "@/server/manager";

export const metadata: Metadata = { title: "Audit" };

export default async function AuditPage() {
  const { queryClient, trpc } = await manager();
  await queryClient.prefetchQuery(trpc.audit.list.queryOptions(auditInput));
  return (
    <HydrationBoundary state={dehydrate(queryClient)}>
      <AuditPanel />
    </HydrationBoundary>
  );
}
