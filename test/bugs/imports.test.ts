import t from 'tap';
import { adminEnv, type Console, importByConsole, openConsole } from './console.js';
import {
  confirmedCsv,
  importCsv,
  listOf,
  mailedLink,
  type Outside,
  oneClick,
  oneClickUrl,
  publish,
  quiet,
  sendForm,
  sendJson,
  startOutside,
  statusOf,
  subscribers,
} from './outside.js';

/* Files of people that come again (cases 4 and 17 of the collected faults). */

t.setTimeout(170_000);

/** The counts and the lines of an import, as the API answers it and as the console's page says it. */
type Import = (csv: string) => Promise<{ imported: number; updated: number; skipped: number; told: string }>;

t.test('people and files of people', async (t) => {
  const outside = await startOutside(t, {
    env: adminEnv,
    smtp: {
      answer: ({ stage, subject }) =>
        stage === 'rcpt' && subject.startsWith('dead') ? '550 5.1.1 no such mailbox' : undefined,
    },
  });
  const { service, relay } = outside;
  const console = await openConsole(service);
  const ways: Readonly<Record<string, Import>> = {
    api: async (csv) => {
      const { errors, ...counts } = await importCsv(service, csv);
      return { ...counts, told: errors.map(({ line, message }) => `Line ${line}: ${message}`).join(' ') };
    },
    console: (csv) => byConsole(console, csv),
  };
  await publish(service, listOf('One'), { notify: false });

  for (const [way, bring] of Object.entries(ways)) {
    const [left, dead, here, fresh] = ['left', 'dead', 'here', 'new'].map((name) => `${name}@${way}.example`);
    const people = [left, dead, here, fresh].map(String);

    await t.test(`case 4: by ${way} an import brings back nobody who has left or bounced`, async (t) => {
      await joinByForm(outside, String(left));
      await importCsv(
        service,
        `email,company,status,consent\n${[dead, here].map((one) => `${one},Old,confirmed,contract\n`).join('')}`,
      );
      await publish(service, listOf('One', `Two ${way}`), {});
      await quiet(outside);
      await oneClick(oneClickUrl(last(relay.mailTo(String(left)))));
      t.same(
        [await statusOf(service, String(left)), await statusOf(service, String(dead))],
        ['unsubscribed', 'suppressed'],
      );
      const before = (await subscribers(service)).filter(({ email }) => email === left || email === dead);
      const toGone = () => relay.mailTo(String(left)).length + relay.mailTo(String(dead)).length;
      const mails = toGone();

      const file = `email,company,status,consent\n${people.map((one) => `${one},New,confirmed,signed the contract\n`).join('')}`;
      const first = await bring(file);
      t.match(first, { imported: 1, updated: 1, skipped: 2 });
      const [because, other] = [2, 3].map(
        (line) => new RegExp(`Line ${line}: (.*?)(?= Line \\d|$)`).exec(first.told)?.[1],
      );
      t.match(because, /has unsubscribed/i);
      t.match(other, /mail to (?:it|this address) bounced/i);
      t.match(await bring(file), { imported: 0, skipped: 2 });

      const after = await subscribers(service);
      t.same(
        after.filter(({ email }) => email === left || email === dead),
        before,
        'both keep their state and their time stamps',
      );
      t.match(
        after.find(({ email }) => email === here),
        { company: 'New', status: 'confirmed' },
      );
      await quiet(outside);
      t.equal(toGone(), mails, 'and get no mail of any kind');
      const all = relay.received.length;

      await publish(service, listOf('One', `Three ${way}`), {});
      await quiet(outside);
      const told = relay.received
        .slice(all)
        .flatMap(({ to }) => to)
        .filter((one) => one.endsWith(`@${way}.example`));
      t.same(told.sort(), [here, fresh].sort(), 'the next change is told to the two who are here');
    });
  }

  await t.test('case 17: however somebody is spelled they are one person, with one mail', async (t) => {
    const anna = ['Anna.Berg@Example.ORG', 'anna.berg@example.org', 'ANNA.BERG@EXAMPLE.ORG', 'Anna.Berg@example.org'];
    const others = ['anna.berg+dpo@example.org', 'annaberg@example.org'];
    const isAnna = (address: string) => address.toLowerCase() === 'anna.berg@example.org';
    const rows = async () => (await subscribers(service)).filter(({ email }) => isAnna(email));
    const mails = () => relay.received.filter(({ to }) => to.some(isAnna)).length;
    const askByForm = (email: string) => sendForm(`${service.url}/subscribe`, { email });
    const askByApi = (email: string) => sendJson(`${service.url}/api/v1/subscriptions`, { email });

    await importCsv(service, confirmedCsv('Anna.Berg@Example.ORG'));
    await askByForm('anna.berg@example.org');
    await askByApi('ANNA.BERG@EXAMPLE.ORG');
    const twice = confirmedCsv(' anna.berg@example.org ', 'ANNA.berg@Example.org');
    t.match(await importCsv(service, twice), {
      imported: 0,
      updated: 1,
      skipped: 1,
      errors: [{ line: 3, message: /same address as in line 2/ }],
    });
    t.match(await ways.console?.(twice), { imported: 0, updated: 1, skipped: 1, told: /Line 3:.*same address/ });
    await quiet(outside);
    const one = await rows();
    t.equal(one.length, 1, 'one row');
    const before = mails();
    await publish(service, listOf('One', 'Four'), {});
    await quiet(outside);
    t.equal(mails(), before + 1, 'one mail');

    await oneClick(oneClickUrl(last(relay.received.filter(({ to }) => to.some(isAnna)))));
    for (const spelling of [...anna, ' anna.berg@example.org ', 'ANNA.berg@Example.org']) {
      for (const bring of Object.values(ways)) {
        t.match(
          await bring(confirmedCsv(spelling)),
          { imported: 0, updated: 0, skipped: 1, told: /Line 2:.*unsubscribed/ },
          spelling,
        );
      }
    }
    t.match(await rows(), [{ status: 'unsubscribed' }], 'who has left has left, in every spelling');
    const afterLeaving = mails();

    t.match(await importCsv(service, confirmedCsv(others[0] ?? '')), { imported: 1 });
    t.match(await ways.console?.(confirmedCsv(others[1] ?? '')), { imported: 1 });
    // They were added while a change is announced, so they are greeted with it.
    await quiet(outside);
    const greeted = relay.received.length;
    await publish(service, listOf('One', 'Five'), {});
    await quiet(outside);
    t.same(
      others.map((other) => relay.received.slice(greeted).filter(({ to }) => to.includes(other)).length),
      [1, 1],
      'the others are others, and get their own mails',
    );
    t.equal(mails(), afterLeaving, 'and who has left gets none');

    // Asking again is open to everybody, and changes nothing until it is confirmed.
    for (const ask of [askByForm, askByApi]) await ask('ANNA.berg@example.org');
    await quiet(outside);
    t.match(await rows(), [{ status: 'unsubscribed' }]);
  });
});

/** Subscribes by the form and confirms by the link. */
async function joinByForm({ service, relay }: Outside, email: string): Promise<void> {
  await sendForm(`${service.url}/subscribe`, { email });
  const link = await mailedLink(relay, email, 'confirm');
  await sendForm(link, {});
}

/** As the API counts: who is known and unchanged is up to date, and a line with an error is skipped. */
async function byConsole(console: Console, csv: string): ReturnType<Import> {
  const { figures, lines } = await importByConsole(console, csv);
  const told = [...lines].map(([line, words]) => `Line ${line}: ${words}`).join(' ');
  const { confirmed, asked, updated, unchanged, skipped, error } = figures;
  return { imported: confirmed + asked, updated: updated + unchanged, skipped: skipped + error, told };
}

function last<T>(all: readonly T[]): T {
  const found = all.at(-1);
  if (found === undefined) throw new Error('there is none');
  return found;
}
