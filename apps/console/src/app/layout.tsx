import { GeistMono } from "geist/font/mono";
import { GeistSans } from "geist/font/sans";
import type { Metadata } from "next";
import { headers } from "next/headers";
import { ThemeProvider } from "next-themes";
import type { ReactNode } from "react";
import { NonceProvider } from "@/ui/nonce-provider";
import "./globals.css";

export const metadata: Metadata = { title: { default: "Redoubt", template: "%s · Redoubt" }, robots: { index: false } };

export default async function RootLayout({ children }: { children: ReactNode }) {
  const nonce = (await headers()).get("x-nonce") ?? "";
  return (
    // The theme is put on <html> by a script before the first paint, which React must not take for a mismatch.
    <html lang="en" className={`${GeistSans.variable} ${GeistMono.variable}`} suppressHydrationWarning>
      <body>
        <ThemeProvider attribute="class" defaultTheme="system" enableSystem disableTransitionOnChange nonce={nonce}>
          <NonceProvider nonce={nonce}>{children}</NonceProvider>
        </ThemeProvider>
      </body>
    </html>
  );
}
