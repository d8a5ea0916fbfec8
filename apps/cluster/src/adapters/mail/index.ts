/** Alert mail over SMTP. */
export { type MailMessage, type MailOutcome, type MailSettings, mailSettingsSchema, sendMail } from "./send-mail.ts";
