import t, { type Test } from 'tap';
import { createTransport, readRelayUrl } from '../../src/mail/transport.js';
import { makeCertificate } from './certificate.js';
import { startWireRelay, type WireOptions, type WireRelay } from './wire-relay.js';

const from = 'notices@example.org';
const login = { user: 'me', password: 'p@ss:word' };
const credentials = 'me:p%40ss%3Aword@';
const to = Array.from({ length: 60 }, (_, n) => `p${n}@example.org`);
const letter = (one: string) => Buffer.from(`To: ${one}\r\n\r\n${`for ${one}\r\n`.repeat(2_000)}`);

async function sendAll(t: Test, smtpUrl: string, ca: string | undefined) {
  const transport = createTransport({
    smtpUrl,
    mailConcurrency: 2,
    timeouts: { connect: 2_000, silence: 2_000 },
    ...(ca === undefined ? {} : { ca }),
  });
  t.teardown(() => transport.close());
  return Promise.all(to.map((one) => transport.send({ from, to: one }, letter(one))));
}

function arrived(t: Test, relay: WireRelay): void {
  t.same(relay.mails.map((mail) => mail.to).sort(), [...to].sort());
  for (const mail of relay.mails) if (!mail.data.equals(letter(mail.to))) t.fail(`altered: ${mail.to}`);
  t.ok(relay.ahead > 40, `${relay.ahead} envelopes went ahead`);
}

t.test('PIPELINING over TLS, from the first byte and by STARTTLS, with and without a log-in', async (t) => {
  const certificate = await makeCertificate(t, 'IP:127.0.0.1');
  if (certificate === null) return;
  for (const start of ['greeting', 'starttls'] as const) {
    for (const isKnown of [false, true]) {
      const options: WireOptions = { tls: { ...certificate, from: start }, ...(isKnown ? { login } : {}) };
      const relay = await startWireRelay(t, options);
      const host = `${isKnown ? credentials : ''}127.0.0.1:${relay.port}`;
      const url = start === 'greeting' ? `smtps://${host}` : `smtp://${host}?tls=on`;
      for (const reply of await sendAll(t, url, certificate.cert)) {
        if (reply.outcome !== 'accepted') t.fail(`${start}: ${reply.response}`);
      }
      arrived(t, relay);
      const said = relay.lines.filter((line) => /STARTTLS|AUTH/.test(line)).map((line) => line.slice(0, 12));
      const expected = [...(start === 'starttls' ? ['1 STARTTLS'] : []), ...(isKnown ? ['1 AUTH PLAIN'] : [])];
      t.same(said.slice(0, expected.length), expected);
    }
  }
});

t.test('PIPELINING after a log-in without TLS, where that is wanted', async (t) => {
  const relay = await startWireRelay(t, { login });
  for (const reply of await sendAll(t, `smtp://${credentials}127.0.0.1:${relay.port}`, undefined)) {
    if (reply.outcome !== 'accepted') t.fail(reply.response);
  }
  arrived(t, relay);
});

t.test('a certificate of somebody unknown, or of another name, or none: nothing is said, each is told', async (t) => {
  const own = await makeCertificate(t, 'IP:127.0.0.1');
  const other = await makeCertificate(t, 'DNS:wire.example');
  if (own === null || other === null) return;
  const cases: { what: string; tls: WireOptions['tls']; ca: string | undefined; url: (port: number) => string }[] = [
    { what: 'unknown', tls: { ...own, from: 'greeting' }, ca: undefined, url: (port) => `smtps://127.0.0.1:${port}` },
    {
      what: 'unknown',
      tls: { ...own, from: 'starttls' },
      ca: undefined,
      url: (port) => `smtp://${credentials}127.0.0.1:${port}?tls=on`,
    },
    { what: 'name', tls: { ...other, from: 'greeting' }, ca: other.cert, url: (port) => `smtps://127.0.0.1:${port}` },
    { what: 'none', tls: undefined, ca: own.cert, url: (port) => `smtp://${credentials}127.0.0.1:${port}?tls=on` },
  ];
  for (const { what, tls, ca, url } of cases) {
    const relay = await startWireRelay(t, { login, ...(tls === undefined ? {} : { tls }) });
    const replies = await sendAll(t, url(relay.port), ca);
    t.ok(
      replies.every(({ outcome, stage }) => outcome === 'unreachable' && stage === 'tls'),
      `${what}: ${replies[0]?.stage} ${replies[0]?.response}`,
    );
    t.equal(relay.connections, 1, 'one attempt for all');
    t.same(
      relay.lines.filter((line) => /AUTH|MAIL/.test(line)),
      [],
    );
  }
});

t.test('a relay that hangs up in the handshake, or does not answer it', async (t) => {
  for (const what of ['close', 'silence'] as const) {
    const relay = await startWireRelay(t, {
      answer: ({ stage }) => (stage === 'greeting' ? what : undefined),
    });
    const transport = createTransport({
      smtpUrl: `smtps://127.0.0.1:${relay.port}`,
      mailConcurrency: 2,
      timeouts: { connect: 200, silence: 200 },
    });
    const reply = await transport.send({ from, to: 'a@example.org' }, letter('a@example.org'));
    t.match(reply, { outcome: 'unreachable', code: null });
    t.ok(['connect', 'tls'].includes(reply.stage), `${reply.stage}: ${reply.response}`);
    await transport.close();
  }
});

t.test('?tls=on makes TLS a duty on the loopback interface as well', async (t) => {
  t.equal(readRelayUrl('smtp://localhost?tls=on').startTls, 'required');
  t.equal(readRelayUrl('smtp://localhost').startTls, 'never');
});
