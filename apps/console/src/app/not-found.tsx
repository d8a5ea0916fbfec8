import Link from "next/link";

export default function NotFound() {
  return (
    <main className="grid min-h-dvh place-content-center gap-1 text-center">
      <h1 className="font-semibold text-xl">No such page</h1>
      <p className="text-ink-soft">
        <Link href="/" className="text-accent underline underline-offset-2">
          Back to the overview
        </Link>
      </p>
    </main>
  );
}
