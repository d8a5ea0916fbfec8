"use client";
import { type FeedSeverity, feedSeverities } from "@redoubt/shared";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { problemOf } from "@/live/problem";
import { useTRPC } from "@/live/trpc";
import { Banner } from "@/ui/banner";
import { Button } from "@/ui/button";
import { SelectField, TextField } from "@/ui/field";

type Channel = "email" | "webhook";

const addressFields = {
  email: { label: "E-mail address", type: "email", placeholder: "on-call@example.org" },
  webhook: { label: "Webhook URL", type: "url", placeholder: "https://example.org/hooks/redoubt" },
} as const;

const severityTitles: Record<FeedSeverity, string> = {
  info: "Everything",
  notice: "Notices and worse",
  warning: "Warnings and worse",
  critical: "Critical only",
};

export function NewSubscription() {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const [channel, setChannel] = useState<Channel>("email");
  const [address, setAddress] = useState("");
  const [minimumSeverity, setMinimumSeverity] = useState<FeedSeverity>("warning");
  const add = useMutation(
    trpc.subscriptions.add.mutationOptions({
      onSuccess: () => setAddress(""),
      onSettled: () => queryClient.invalidateQueries({ queryKey: trpc.subscriptions.pathKey() }),
    }),
  );
  const problem = add.isError ? problemOf(add.error) : null;
  const field = addressFields[channel];
  function submit(event: FormEvent) {
    event.preventDefault();
    add.mutate({ channel, address: address.trim(), minimumSeverity, kinds: [] });
  }
  return (
    <form onSubmit={submit} className="flex max-w-3xl flex-col gap-3">
      <div className="grid items-start gap-3 sm:grid-cols-[130px_minmax(0,1fr)_180px_auto]">
        <SelectField
          label="Channel"
          value={channel}
          onChange={(event) => setChannel(event.target.value === "webhook" ? "webhook" : "email")}
          options={[
            { value: "email", label: "E-mail" },
            { value: "webhook", label: "Webhook" },
          ]}
        />
        <TextField
          {...field}
          value={address}
          onChange={(event) => setAddress(event.target.value)}
          error={problem?.fields.address}
          required
        />
        <SelectField
          label="Tell about"
          value={minimumSeverity}
          onChange={(event) =>
            setMinimumSeverity(feedSeverities.find((each) => each === event.target.value) ?? "warning")
          }
          options={feedSeverities.map((severity) => ({ value: severity, label: severityTitles[severity] }))}
        />
        <Button type="submit" look="primary" className="sm:mt-[21px]" disabled={add.isPending}>
          Subscribe
        </Button>
      </div>
      {problem !== null && problem.fields.address === undefined && (
        <Banner tone="bad" title={problem.sentence} urgent />
      )}
    </form>
  );
}
