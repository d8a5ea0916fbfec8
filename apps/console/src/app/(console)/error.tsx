"use client";
import { Banner } from "@/ui/banner";
import { Button } from "@/ui/button";

export default function ConsoleError({ reset }: { reset: () => void }) {
  return (
    <Banner tone="bad" title="This page could not be shown" action={<Button onClick={reset}>Try again</Button>} urgent>
      The cluster is not affected by this. The console's log holds the cause.
    </Banner>
  );
}
