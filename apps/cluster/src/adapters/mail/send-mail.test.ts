import type { AddressInfo } from "node:net";
import { SMTPServer } from "smtp-server";
import { afterEach, describe, expect, test } from "vitest";
import { type MailOutcome, mailSettingsSchema, sendMail } from "./send-mail.ts";

let server: SMTPServer | undefined;
afterEach(async () => {
  const ending = server;
  server = undefined;
  if (ending) await new Promise<void>((resolve) => ending.close(() => resolve()));
});

interface Received {
  to: string[];
  text: string;
}

/** A real SMTP server that answers recipients as told. */
async function listen(answerTo: (address: string) => number): Promise<{ port: number; received: Received[] }> {
  const received: Received[] = [];
  const started = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS"],
    onRcptTo({ address }, _session, done) {
      const code = answerTo(address);
      if (code === 250) return done();
      done(Object.assign(new Error("no such luck"), { responseCode: code }));
    },
    onData(stream, session, done) {
      let text = "";
      stream.on("data", (chunk: Buffer) => {
        text += chunk.toString("utf8");
      });
      stream.on("end", () => {
        received.push({ to: session.envelope.rcptTo.map(({ address }) => address), text });
        done();
      });
    },
  });
  server = started;
  await new Promise<void>((resolve) => started.listen(0, "127.0.0.1", () => resolve()));
  return { port: (started.server.address() as AddressInfo).port, received };
}

const settingsOf = (port: number) => mailSettingsSchema.parse({ host: "127.0.0.1", port, from: "redoubt@example.org" });
const send = (port: number, subject = "An alert"): Promise<MailOutcome> =>
  sendMail(settingsOf(port), { to: "ada@example.org", subject, text: "something happened\n" });

describe("a mail", () => {
  test("that the server takes is sent, with the server's reply", async () => {
    const { port, received } = await listen(() => 250);
    expect(await send(port)).toMatchObject({ kind: "sent", reply: expect.stringContaining("250") });
    expect(received[0]?.to).toEqual(["ada@example.org"]);
    expect(received[0]?.text).toContain("something happened");
    expect(received[0]?.text).toContain("Auto-Submitted: auto-generated");
  });

  test("that the server puts off (451) is to be tried again; a refused address (550) never", async () => {
    const { port } = await listen(() => 451);
    expect(await send(port)).toMatchObject({ kind: "retry", reply: expect.stringContaining("451") });
    await new Promise<void>((resolve) => server?.close(() => resolve()));
    const other = await listen(() => 550);
    expect(await send(other.port)).toMatchObject({ kind: "failed", refused: true });
  });

  test("is to be tried again when there is no server", async () => {
    const { port } = await listen(() => 250);
    await new Promise<void>((resolve) => server?.close(() => resolve()));
    server = undefined;
    expect(await send(port)).toMatchObject({ kind: "retry" });
  });

  test("cannot be given headers by text that came from a request", async () => {
    const { port, received } = await listen(() => 250);
    await send(port, "Alert\r\nBcc: eve@example.org");
    expect(received[0]?.to).toEqual(["ada@example.org"]);
    expect(received[0]?.text).not.toMatch(/^Bcc:/m);
  });
});
