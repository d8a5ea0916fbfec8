"use client";
import { useQuery } from "@tanstack/react-query";
import { beatMs } from "@/live/freshness";
import { useTRPC } from "@/live/trpc";
import { Empty, PageHeader, Section } from "@/ui/page";
import { Unavailable } from "@/ui/unavailable";
import { DeliveriesTable } from "./deliveries-table";
import { deliveriesInput } from "./inputs";
import { NewSubscription } from "./new-subscription";
import { SubscriptionsTable } from "./subscriptions-table";

export function AlertsPanel() {
  const trpc = useTRPC();
  const subscriptions = useQuery(trpc.subscriptions.list.queryOptions());
  const deliveries = useQuery({
    ...trpc.subscriptions.deliveries.queryOptions(deliveriesInput),
    refetchInterval: beatMs,
  });
  return (
    <>
      <PageHeader
        title="Alerts"
        sentence="Who is told of what, and what became of every message. An address gets nothing but its code until it is verified."
      />
      <div className="flex flex-col gap-8">
        <Section id="subscriptions" title="Subscriptions">
          {subscriptions.data === undefined ? (
            <Unavailable error={subscriptions.error} what="the subscriptions" />
          ) : subscriptions.data.length === 0 ? (
            <Empty title="Nobody is told of anything yet">Add an address below, then enter the code it receives.</Empty>
          ) : (
            <SubscriptionsTable subscriptions={subscriptions.data} />
          )}
        </Section>
        <Section id="new-subscription" title="New subscription">
          <NewSubscription />
        </Section>
        <Section id="deliveries" title="Deliveries" aside="newest first">
          {deliveries.data === undefined ? (
            <Unavailable error={deliveries.error} what="the deliveries" />
          ) : deliveries.data.length === 0 ? (
            <Empty title="Nothing was sent yet" />
          ) : (
            <DeliveriesTable deliveries={deliveries.data} />
          )}
        </Section>
      </div>
    </>
  );
}
