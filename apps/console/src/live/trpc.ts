"use client";
/** The typed way to the manager from the browser: hooks' options per procedure, over /api/trpc. */
import type { AdministrationRouter } from "@redoubt/cluster/api";
import { createTRPCContext } from "@trpc/tanstack-react-query";

export const { TRPCProvider, useTRPC } = createTRPCContext<AdministrationRouter>();
