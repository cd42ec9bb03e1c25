import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import t from 'tap';
import { judgeDkim, keyName } from '../../src/deliverability/dkim.js';
import { judgeDmarc } from '../../src/deliverability/dmarc.js';
import { isLocalName, judgeOneClick } from '../../src/deliverability/settings.js';
import { judgeSpf } from '../../src/deliverability/spf.js';
import { aWorld } from './world.js';

const found = (...records: string[]) => ({ kind: 'found' as const, records });

t.test('an SPF record is read as receivers read it', async (t) => {
  const spf = (...records: string[]) => {
    const { state, code, facts } = judgeSpf('example.org', records.length === 0 ? { kind: 'none' } : found(...records));
    return [state, code, facts.lookUps ?? null, facts.end ?? null];
  };
  t.same(spf('google-site-verification=x', 'v=spf1 include:relay.example ip4:192.0.2.1 -all'), ['ok', 'ok', 1, '-all']);
  t.same(spf('v=spf1 a mx ptr exists:%{i}.example include:x.example ~all'), ['ok', 'ok', 5, '~all']);
  t.same(spf('V=SPF1 MX -ALL'), ['ok', 'ok', 1, '-all']);
  t.same(spf('v=spf1 redirect=_spf.example.net'), ['ok', 'ok', 1, 'redirect=_spf.example.net']);
  t.same(spf('v=spf1 a/24 mx:mail.example//64 ip6:2001:db8::/32 exp=why.example -all'), ['ok', 'ok', 2, '-all']);
  t.same(spf('v=spf1 -all include:never.example'), ['ok', 'ok', 0, '-all'], 'what stands behind "all" costs nothing');
  t.same(spf('v=spf1 mx'), ['warning', 'endless', 1, '']);
  t.same(spf('v=spf1 mx ?all'), ['warning', 'neutral', 1, '?all']);
  t.same(spf('v=spf1 mx all'), ['fault', 'open', 1, '+all']);
  t.same(spf('v=spf1 +all'), ['fault', 'open', 0, '+all']);
  t.same(spf(`v=spf1 ${'include:x.example '.repeat(11)}-all`), ['fault', 'costly', 11, '-all']);
  t.same(spf(`v=spf1 ${'include:x.example '.repeat(10)}-all`), ['ok', 'ok', 10, '-all']);
  for (const wrong of [
    'v=spf1 include -all',
    'v=spf1 ip4 -all',
    'v=spf1 -all:x',
    'v=spf1 mx, -all',
    'v=spf1 192.0.2.1 -all',
  ]) {
    t.equal(spf(wrong)[1], 'syntax', wrong);
  }
  t.equal(spf('v=spf10 -all')[1], 'missing', 'another version is none of ours');
  t.equal(spf('v=spf1 -all', 'v=spf1 mx -all')[1], 'several');
  t.equal(spf()[1], 'missing');
  t.same(judgeSpf('example.org', { kind: 'unknown', because: 'ESERVFAIL' }).state, 'unknown', 'silence proves nothing');
});

const pem = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }).toString();
const spki = (key: KeyObject) => key.export({ type: 'spki', format: 'der' }).toString('base64');
const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const other = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const short = generateKeyPairSync('rsa', { modulusLength: 1_024 });
const ed = generateKeyPairSync('ed25519');
const bare = Buffer.from(ed.publicKey.export({ format: 'jwk' }).x ?? '', 'base64url').toString('base64');

t.test('a published key is compared with the one that signs', async (t) => {
  const key = (privateKey: KeyObject) => ({ domain: 'example.org', selector: 's1', privateKey: pem(privateKey) });
  t.equal(keyName(key(rsa.privateKey)), 's1._domainkey.example.org');
  const dkim = (privateKey: KeyObject, ...records: string[]) => {
    const { state, code } = judgeDkim(key(privateKey), records.length === 0 ? { kind: 'none' } : found(...records));
    return `${state} ${code}`;
  };
  const p = spki(rsa.publicKey);
  t.equal(dkim(rsa.privateKey, `v=DKIM1; k=rsa; p=${p}`), 'ok ok');
  t.equal(dkim(rsa.privateKey, `p=${p}`), 'ok ok', 'everything else has a default');
  t.equal(
    dkim(rsa.privateKey, `v=DKIM1;k=rsa;h=sha1 : sha256;s=email;t=s; p=${p.replace(/(.{60})/g, '$1 ')};`),
    'ok ok',
  );
  const pkcs1 = rsa.publicKey.export({ type: 'pkcs1', format: 'der' }).toString('base64');
  t.equal(dkim(rsa.privateKey, `v=DKIM1; p=${pkcs1}`), 'ok ok', 'RSA keys come in two forms');
  t.equal(dkim(ed.privateKey, `v=DKIM1; k=ed25519; p=${bare}`), 'ok ok');

  t.equal(dkim(rsa.privateKey, `v=DKIM1; p=${spki(other.publicKey)}`), 'fault different');
  t.equal(dkim(rsa.privateKey, `v=DKIM1; k=ed25519; p=${bare}`), 'fault different');
  t.equal(dkim(ed.privateKey, `v=DKIM1; p=${p}`), 'fault different');
  t.equal(dkim(rsa.privateKey, 'v=DKIM1; p=notakey'), 'fault different');
  t.equal(dkim(rsa.privateKey, `v=DKIM1; p=${p.slice(0, -8)}`), 'fault different', 'cut off on the way');
  t.equal(dkim(rsa.privateKey, 'v=DKIM1; p='), 'fault revoked');
  t.equal(dkim(rsa.privateKey), 'fault missing');
  t.equal(dkim(rsa.privateKey, 'v=spf1 -all'), 'fault missing', 'a wildcard for something else');
  t.equal(dkim(rsa.privateKey, `p=${p}`, `p=${p}`), 'fault several');
  t.equal(dkim(rsa.privateKey, `v=DKIM2; p=${p}`), 'fault version');
  t.equal(dkim(rsa.privateKey, `h=sha1; p=${p}`), 'fault hash');
  t.equal(dkim(rsa.privateKey, `s=other; p=${p}`), 'fault service');
  t.equal(dkim(rsa.privateKey, `t=y:s; p=${p}`), 'warning testing');
  t.equal(dkim(short.privateKey, `p=${spki(short.publicKey)}`), 'warning short');
  const silent = judgeDkim(key(rsa.privateKey), { kind: 'unknown', because: 'ETIMEOUT' });
  t.same([silent.state, silent.code], ['unknown', 'silent']);
  const missing = judgeDkim(key(ed.privateKey), { kind: 'none' });
  t.equal(missing.facts.publish, `v=DKIM1; k=ed25519; p=${bare}`, 'the record to publish is told');
});

t.test('DMARC: which record rules, and whose domains are aligned', async (t) => {
  const dmarc = async (
    txt: Record<string, string[]>,
    options: { from?: string; spf?: string; dkim?: string | null; silent?: string[] } = {},
  ) => {
    const { from = 'example.org', silent = [] } = options;
    const { spf = from, dkim = from } = options;
    const world = aWorld({ txt, silent });
    const { state, code, facts } = await judgeDmarc(from, spf, dkim, world.outside.txt);
    return { is: `${state} ${code}`, policy: facts.policy, asked: world.asked };
  };
  const at = (domain: string, record = 'v=DMARC1; p=reject') => ({ [`_dmarc.${domain}`]: [record] });

  t.equal((await dmarc(at('example.org'))).is, 'ok ok');
  t.equal((await dmarc(at('example.org', 'v=DMARC1; p=none; rua=mailto:a@example.org'))).is, 'ok watching');
  t.equal((await dmarc({})).is, 'warning missing');
  t.equal((await dmarc({}, { silent: ['_dmarc.example.org'] })).is, 'unknown silent');
  t.equal((await dmarc({ '_dmarc.example.org': ['v=DMARC1; p=none', 'v=DMARC1; p=reject'] })).is, 'fault several');
  t.equal((await dmarc({ '_dmarc.example.org': ['v=DMARC11; p=none', 'something else'] })).is, 'warning missing');

  const below = await dmarc(at('example.org', 'v=DMARC1; p=reject; sp=quarantine'), { from: 'mail.example.org' });
  t.same([below.is, below.policy], ['ok ok', 'quarantine'], 'a subdomain has the policy for subdomains');

  // Alignment, relaxed and strict.
  const lax = at('example.org');
  t.equal((await dmarc(lax, { dkim: 'mail.example.org', spf: 'bounce.example.org' })).is, 'ok ok');
  t.equal((await dmarc(lax, { dkim: 'example.org', spf: 'relay.example' })).is, 'ok dkim-only');
  t.equal((await dmarc(lax, { dkim: 'relay.example', spf: 'bounce.example.org' })).is, 'warning spf-only');
  t.equal((await dmarc(lax, { dkim: 'relay.example', spf: 'relay.example' })).is, 'fault unaligned');
  t.equal(
    (await dmarc(lax, { dkim: 'notexample.org', spf: 'notexample.org' })).is,
    'fault unaligned',
    'a name that only ends alike',
  );
  t.equal(
    (await dmarc(at('example.org', 'v=DMARC1; p=none'), { dkim: 'relay.example', spf: 'relay.example' })).is,
    'warning unaligned',
  );
  t.equal(
    (await dmarc(at('example.org', 'v=DMARC1; p=reject; adkim=s'), { dkim: 'mail.example.org', spf: 'example.org' }))
      .is,
    'warning spf-only',
  );
  t.equal(
    (await dmarc(at('example.org', 'v=DMARC1; p=reject; aspf=s'), { dkim: 'mail.example.org', spf: 'b.example.org' }))
      .is,
    'ok dkim-only',
  );
  t.equal((await dmarc(lax, { dkim: null, spf: 'bounce.example.org' })).is, 'ok relay-signs');
  t.equal((await dmarc(lax, { dkim: null, spf: 'relay.example' })).is, 'warning relay-decides');
  t.equal(
    (await dmarc(lax, { dkim: 'mail.example.org', spf: 'x.example', silent: ['_dmarc.mail.example.org'] })).is,
    'unknown unclear',
  );

  // The tree walk (RFC 9989, 4.10).
  const suffix = { ...at('gov.example', 'v=DMARC1; p=none; psd=y'), ...at('agency.gov.example') };
  t.equal(
    (await dmarc(suffix, { from: 'agency.gov.example', dkim: 'other.gov.example', spf: 'other.gov.example' })).is,
    'fault unaligned',
    'two neighbours below a public suffix',
  );
  t.equal((await dmarc(suffix, { from: 'a.agency.gov.example', dkim: 'b.agency.gov.example' })).is, 'ok ok');
  const cut = { ...at('example.org'), ...at('team.example.org', 'v=DMARC1; p=reject; psd=n') };
  t.equal(
    (await dmarc(cut, { from: 'team.example.org', dkim: 'other.example.org', spf: 'other.example.org' })).is,
    'fault unaligned',
    'an organization of its own',
  );
  const long = await dmarc(at('example.org'), { from: 'a.b.c.d.e.f.g.h.i.example.org' });
  t.ok(long.asked.length <= 8, 'no more than eight questions');
  t.equal(long.is, 'ok ok');
});

t.test('a certificate that is not valid is a fault, an address that is out of reach is not', async (t) => {
  const code = (because: string) => {
    const judged = judgeOneClick('https://example.org/x', { kind: 'failed', because }, { header: 'x', value: 'y' });
    return `${judged.state} ${judged.code}`;
  };
  for (const because of [
    'CERT_HAS_EXPIRED',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'SELF_SIGNED_CERT_IN_CHAIN',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'ERR_TLS_CERT_ALTNAME_INVALID',
  ]) {
    t.equal(code(because), 'fault certificate', because);
  }
  for (const because of ['ENOTFOUND', 'ECONNREFUSED', 'timeout', 'UND_ERR_SOCKET']) {
    t.equal(code(because), 'unknown unreachable', because);
  }
});

t.test('names that only this machine or network knows', async (t) => {
  for (const local of [
    'localhost',
    'a.localhost',
    'intranet',
    '127.0.0.1',
    '10.1.2.3',
    '172.16.0.1',
    '[::1]',
    '[fd00::1]',
    'x.local',
  ]) {
    t.ok(isLocalName(local), local);
  }
  for (const known of ['example.org', '192.0.2.1', '172.32.0.1', '[2001:db8::1]', 'local.example.org']) {
    t.notOk(isLocalName(known), known);
  }
});
