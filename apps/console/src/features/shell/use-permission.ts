"use client";
import type { AdministrationRouter } from "@redoubt/cluster/api";
import { useQuery } from "@tanstack/react-query";
import type { inferRouterOutputs } from "@trpc/server";
import { useTRPC } from "@/live/trpc";

export type Permission = inferRouterOutputs<AdministrationRouter>["cluster"]["whoAmI"]["permissions"][number];

/** Whether to show what this permission opens. The manager refuses it anyway to whoever may not. */
export function usePermission(permission: Permission): boolean {
  const trpc = useTRPC();
  const { data } = useQuery({ ...trpc.cluster.whoAmI.queryOptions(), staleTime: 300_000 });
  return data?.permissions.includes(permission) ?? false;
}

export function useOwnName(): string | null {
  const trpc = useTRPC();
  return useQuery({ ...trpc.cluster.whoAmI.queryOptions(), staleTime: 300_000 }).data?.name ?? null;
}
