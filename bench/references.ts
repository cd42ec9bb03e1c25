import { createTransport } from 'nodemailer';
import { start } from './program.js';

export interface Rate {
  perSecond: number;
  cpuPerMail?: number;
}

/** The limit: Postfix's `smtp-source`, which composes nothing and records nothing. */
export async function runSmtpSource(port: number, count: number, bytes: number): Promise<Rate> {
  const begun = process.hrtime.bigint();
  const flags = ['-d', '-s', '10', '-l', bytes, '-m', count, '-f', 'a@example.org', '-t', 'b@example.org'];
  const program = start('smtp-source', [...flags.map(String), `127.0.0.1:${port}`]);
  const code = await program.ended();
  if (code !== 0) throw new Error(`smtp-source ended with ${code}: ${program.output()}`);
  return { perSecond: count / seconds(begun) };
}

/** What people do today: nodemailer composes each message anew, over its own pool. */
export async function runNodemailer(
  port: number,
  count: number,
  mail: { html: string; text: string; dkim: { domainName: string; keySelector: string; privateKey: string } | null },
): Promise<Rate> {
  const transport = createTransport({
    host: '127.0.0.1',
    port,
    pool: true,
    maxConnections: 10,
    maxMessages: Number.POSITIVE_INFINITY,
    ignoreTLS: true,
    ...(mail.dkim === null ? {} : { dkim: mail.dkim }),
  });
  const cpu = process.cpuUsage();
  const begun = process.hrtime.bigint();
  let next = 0;
  const worker = async () => {
    while (next < count) {
      const id = next;
      next += 1;
      const token = String(id).padStart(30, '0');
      await transport.sendMail({
        from: 'Notices <notices@example.org>',
        to: `p${id}@example.org`,
        subject: 'Sub-processors will change',
        html: mail.html.replaceAll('TOKEN', token),
        text: mail.text.replaceAll('TOKEN', token),
        headers: {
          'List-Unsubscribe': `<https://example.org/unsubscribe/${token}>`,
          'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
        },
      });
    }
  };
  // More at hand than connections, so that none waits for the composing of its next mail.
  await Promise.all(Array.from({ length: 20 }, worker));
  const took = seconds(begun);
  const { user, system } = process.cpuUsage(cpu);
  transport.close();
  return { perSecond: count / took, cpuPerMail: (user + system) / count };
}

function seconds(since: bigint): number {
  return Number(process.hrtime.bigint() - since) / 1e9;
}
