/**
 * One mail to one address, and what became of it: taken, to be tried again, or refused for good. It keeps nothing and
 * repeats nothing; the outbox does.
 *
 * nodemailer does not repeat a 4xx reply, so replies are told apart here: 4xx and everything that is no reply at all
 * (no connection, time-out) may succeed later, 5xx will not.
 */
import { createTransport } from "nodemailer";
import { z } from "zod";

export const mailSettingsSchema = z.object({
  host: z.string().min(1, "expected the name of an SMTP server"),
  port: z.int().min(1).max(65_535).default(587),
  from: z.string().min(3, "expected a sender's address"),
  /** TLS from the first byte (port 465); otherwise STARTTLS is used where the server offers it. */
  secure: z.boolean().default(false),
  /** Refuses to send without TLS. */
  requireTls: z.boolean().default(false),
  user: z.string().optional(),
  password: z.string().optional(),
  /** Certificate authority of a server with a certificate of its own, PEM. */
  authorityPem: z.string().optional(),
});
export type MailSettings = z.infer<typeof mailSettingsSchema>;

export interface MailMessage {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  /** Mails of one incident are shown as one conversation. */
  readonly thread?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

export type MailOutcome =
  | { readonly kind: "sent"; readonly reply: string }
  | { readonly kind: "retry"; readonly reply: string }
  /** `refused`: the address itself, so nothing is to be sent there any more. */
  | { readonly kind: "failed"; readonly reply: string; readonly refused: boolean };

const TIMEOUT_MS = 15_000;
const REPLY_MAX = 500;
/** Replies that speak of the address (RFC 5321, 3463), not of this mail. */
const ADDRESS_REFUSED = new Set([550, 551, 553]);

export async function sendMail(settings: MailSettings, message: MailMessage): Promise<MailOutcome> {
  const { host, port, secure, requireTls, user, password, authorityPem } = settings;
  const transport = createTransport({
    host,
    port,
    secure,
    requireTLS: requireTls,
    connectionTimeout: TIMEOUT_MS,
    greetingTimeout: TIMEOUT_MS,
    socketTimeout: TIMEOUT_MS,
    ...(user === undefined ? {} : { auth: { user, pass: password ?? "" } }),
    ...(authorityPem === undefined ? {} : { tls: { ca: authorityPem } }),
  });
  try {
    const { response } = await transport.sendMail({
      from: settings.from,
      to: message.to,
      subject: oneLine(message.subject),
      text: message.text,
      headers: { "auto-submitted": "auto-generated", ...message.headers },
      ...(message.thread === undefined ? {} : { references: `<${message.thread}@redoubt>` }),
    });
    return { kind: "sent", reply: String(response).slice(0, REPLY_MAX) };
  } catch (error) {
    return outcomeOf(error);
  } finally {
    transport.close();
  }
}

function outcomeOf(error: unknown): MailOutcome {
  const { responseCode, response, message } = error as {
    responseCode?: unknown;
    response?: unknown;
    message?: unknown;
  };
  const reply = String(response ?? message ?? error).slice(0, REPLY_MAX);
  const code = typeof responseCode === "number" ? responseCode : undefined;
  if (code === undefined || code < 500) return { kind: "retry", reply };
  return { kind: "failed", reply, refused: ADDRESS_REFUSED.has(code) };
}

/** A subject comes from a request's text in part: it must not start a header of its own. */
const oneLine = (text: string): string => text.replace(/[\r\n]+/g, " ").slice(0, 300);
