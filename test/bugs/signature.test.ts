import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { hasVerifier, makeKey, type TestKey, verifySignatures } from '../support/dkim-verifier.js';
import { temporaryFolder, until } from '../support/process.js';
import type { ReceivedMail } from '../support/smtp.js';
import { headerOf, listOf, mailedLink, publish, quiet, sendForm, startOutside } from './outside.js';

/* Signatures of mail as a relay gets it (case 22 of the collected faults). */

t.setTimeout(240_000);

const domain = 'example.org';
const email = 'anna@example.com';
const publicUrl = `https://trust.${'a'.repeat(50)}.${'b'.repeat(50)}.example.org/${'path/'.repeat(12)}here`;
const rsa = makeKey('rsa', 'r2027');
const ed25519 = makeKey('ed25519', 'e2027');

for (const [what, keys] of Object.entries({ RSA: [rsa], Ed25519: [ed25519], both: [rsa, ed25519] })) {
  t.test(`case 22: ${what}: the signature covers the one-click headers, and holds`, async (t) => {
    if (!(await hasVerifier(t))) return;
    const { confirmation, welcome, notice } = await threeMails(t, keys);
    for (const [kind, mail] of Object.entries({ confirmation, welcome, notice })) {
      const passedOn = Buffer.concat([Buffer.from(received), mail.raw]);
      for (const found of await verifySignatures([mail.raw, passedOn], domain, keys)) {
        t.same(
          found.map(({ right, why, tags }) => [right, why, tags.s]),
          keys.map(({ selector }) => [true, '', selector]),
          kind,
        );
        for (const { tags } of found) {
          const covered = (tags.h ?? '').toLowerCase().replace(/\s/g, '').split(':');
          const ofLists = kind === 'confirmation' ? [] : ['list-unsubscribe', 'list-unsubscribe-post'];
          for (const name of ['from', 'to', 'subject', 'date', 'message-id', ...ofLists]) {
            t.ok(covered.includes(name), `${kind}: ${name}`);
          }
        }
      }
    }
    for (const mail of [welcome, notice]) {
      const way = headerOf(mail, 'List-Unsubscribe') ?? '';
      t.ok(way.startsWith(`<${publicUrl}/unsubscribe/`) && /^<[^\s<>]+>$/.test(way), `whole: ${way}`);
      t.equal(headerOf(mail, 'List-Unsubscribe-Post'), 'List-Unsubscribe=One-Click');
    }
  });
}

const received =
  'Received: from mail.example.org by mx.example.com with ESMTPS;\r\n\tFri, 29 Jan 2027 10:00:06 +0000\r\n';

async function threeMails(t: Test, keys: readonly TestKey[]) {
  const folder = temporaryFolder(t);
  const files = keys.map(({ selector, privateKey }) => {
    const path = join(folder, `${selector}.pem`);
    writeFileSync(path, privateKey);
    return path;
  });
  const outside = await startOutside(t, {
    env: {
      PUBLIC_URL: publicUrl,
      MAIL_FROM: `Notices <notices@${domain}>`,
      DKIM_DOMAIN: domain,
      DKIM_SELECTOR: keys.map(({ selector }) => selector).join(','),
      DKIM_KEY_FILE: files.join(','),
    },
  });
  const { service, relay } = outside;
  const here = (link: string) => link.replace(publicUrl, service.url);
  const next = async (count: number): Promise<ReceivedMail> => {
    await until(`mail ${count}`, async () => relay.received.length >= count);
    const mail = relay.received[count - 1];
    if (mail === undefined) throw new Error('it is there');
    return mail;
  };
  await publish(service, listOf('Vendor One'), { notify: false });
  await sendForm(`${service.url}/subscribe`, { email });
  const confirmation = await next(1);
  await sendForm(here(await mailedLink(relay, email, 'confirm')), {});
  const welcome = await next(2);
  await publish(service, listOf('Vendor One', 'Vendor Two'));
  const notice = await next(3);
  await quiet(outside);
  return { confirmation, welcome, notice };
}
