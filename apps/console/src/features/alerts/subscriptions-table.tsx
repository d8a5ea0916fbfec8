"use client";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { problemOf } from "@/live/problem";
import { useTRPC } from "@/live/trpc";
import type { Subscription } from "@/live/types";
import { inert } from "@/text/inert";
import { Button } from "@/ui/button";
import { Status } from "@/ui/status";
import { Cell, HeaderCell, Row, RowHeader, Table } from "@/ui/table";
import type { Tone } from "@/ui/tone";

const tones: Record<Subscription["state"], Tone> = { unverified: "warn", active: "good", flagged: "bad" };

export function SubscriptionsTable({ subscriptions }: { subscriptions: readonly Subscription[] }) {
  return (
    <Table label="Subscriptions">
      <thead>
        <tr>
          <HeaderCell>Address</HeaderCell>
          <HeaderCell>Channel</HeaderCell>
          <HeaderCell>From severity</HeaderCell>
          <HeaderCell>State</HeaderCell>
          <HeaderCell>Owner</HeaderCell>
          <HeaderCell>
            <span className="sr-only">Actions</span>
          </HeaderCell>
        </tr>
      </thead>
      <tbody>
        {subscriptions.map((subscription) => (
          <SubscriptionRow key={subscription.subscriptionId} subscription={subscription} />
        ))}
      </tbody>
    </Table>
  );
}

function SubscriptionRow({ subscription }: { subscription: Subscription }) {
  const { subscriptionId, address, state } = subscription;
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const onSettled = () => queryClient.invalidateQueries({ queryKey: trpc.subscriptions.pathKey() });
  const testSend = useMutation(trpc.subscriptions.testSend.mutationOptions({ onSettled }));
  const remove = useMutation(trpc.subscriptions.remove.mutationOptions({ onSettled }));
  const failure = testSend.error ?? remove.error;
  return (
    <Row>
      <RowHeader className="break-all">{inert(address)}</RowHeader>
      <Cell>{subscription.channel === "email" ? "E-mail" : "Webhook"}</Cell>
      <Cell>{subscription.minimumSeverity}</Cell>
      <Cell>
        <Status tone={tones[state]}>{state}</Status>
        {subscription.flaggedBecause !== null && (
          <span className="block text-2xs text-ink-faint">{inert(subscription.flaggedBecause)}</span>
        )}
      </Cell>
      <Cell>{inert(subscription.owner)}</Cell>
      <Cell className="text-right">
        <span className="flex flex-wrap items-center justify-end gap-2">
          {failure !== null && <span className="text-bad text-xs">{problemOf(failure).sentence}</span>}
          {testSend.isSuccess && <span className="text-ink-soft text-xs">Queued; see deliveries.</span>}
          {state === "unverified" ? (
            <VerifyForm subscriptionId={subscriptionId} address={address} />
          ) : (
            <Button
              size="sm"
              aria-label={`Send a test to ${address}`}
              disabled={testSend.isPending}
              onClick={() => testSend.mutate({ subscriptionId })}
            >
              Send test
            </Button>
          )}
          <Button
            size="sm"
            look="ghost"
            aria-label={`Remove ${address}`}
            disabled={remove.isPending}
            onClick={() => remove.mutate({ subscriptionId })}
          >
            Remove
          </Button>
        </span>
      </Cell>
    </Row>
  );
}

function VerifyForm({ subscriptionId, address }: { subscriptionId: string; address: string }) {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const [code, setCode] = useState("");
  const verify = useMutation(
    trpc.subscriptions.verify.mutationOptions({
      onSettled: () => queryClient.invalidateQueries({ queryKey: trpc.subscriptions.pathKey() }),
    }),
  );
  function submit(event: FormEvent) {
    event.preventDefault();
    verify.mutate({ subscriptionId, code: code.trim() });
  }
  return (
    <form onSubmit={submit} className="flex items-center gap-2">
      {verify.isError && (
        <span role="alert" className="text-bad text-xs">
          {problemOf(verify.error).sentence}
        </span>
      )}
      <input
        aria-label={`Verification code for ${address}`}
        placeholder="code"
        inputMode="numeric"
        autoComplete="one-time-code"
        value={code}
        onChange={(event) => setCode(event.target.value)}
        required
        className="h-7 w-24 rounded-md border border-line-strong bg-surface px-2 font-mono text-xs"
      />
      <Button type="submit" size="sm" look="primary" disabled={verify.isPending}>
        Verify
      </Button>
    </form>
  );
}
