import t from 'tap';
import { startSmtp } from './support/smtp.js';
import { createTransport } from '../src/mail/transport.js';
t.test('x', async (t) => {
  const first = await startSmtp(t);
  const transport = createTransport({ smtpUrl: first.url, mailConcurrency: 3, timeouts: {connect:2000,silence:2000} });
  const from='n@example.org';
  const send = (to: string) => transport.send({ from, to }, Buffer.from('a: b\r\n\r\nx\r\n'));
  await Promise.all(['a@example.org', 'b@example.org', 'c@example.org'].map(send));
  console.error('first', first.connections);
  await first.close();
  const second = await startSmtp(t, { port: first.port });
  const r = await Promise.all(['d@example.org', 'e@example.org', 'f@example.org'].map(send));
  console.error(r, second.connections, second.commands);
  await transport.close();
});
