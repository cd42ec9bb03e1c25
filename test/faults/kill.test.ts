import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { z } from 'zod';
import {
  asAdmin,
  headerOf,
  linkTo,
  listOf,
  mailedLink,
  oneClick,
  oneClickUrl,
  outsideEnv,
  publish,
  quiet,
  send,
  sendForm,
  sendJson,
  subscribers,
  urlencoded,
} from '../bugs/outside.js';
import { bearer, startApp } from '../support/app.js';
import { openDatabase } from '../support/database.js';
import { freePort, type Service, startService, temporaryFolder, until } from '../support/process.js';
import { startSmtp } from '../support/smtp.js';

/*
 * kill -9 right after the service has acknowledged something: it is there after the next start, and what
 * it causes happens without anybody asking again.
 */

t.setTimeout(180_000);
// Most of the time goes by in waiting: for the next try of a relay that was down, and for the lease of
// what the killed process had in hand (45 s). So they wait together.
t.jobs = 5;

/** Ends the service as a power cut would, at once. */
async function kill(t: Test, service: Service, answeredAt: number): Promise<void> {
  const ended = service.stop('SIGKILL');
  t.comment(`killed ${Math.round(performance.now() - answeredAt)} ms after the answer`);
  t.equal(await ended, 'SIGKILL');
}

t.test(
  'case 6: asked while the relay is down, killed right after the answer: one confirmation mail comes',
  { buffered: true },
  async (t) => {
    const database = await openDatabase(t);
    const port = await freePort();
    const env = outsideEnv({
      DATABASE_URL: database.url,
      SMTP_URL: `smtp://127.0.0.1:${port}`,
      PORT: `${await freePort()}`,
    });
    const people = ['wait@example.org', 'form@example.org'];
    const asks: ((service: Service, email: string) => ReturnType<typeof send>)[] = [
      (service, email) => sendJson(`${service.url}/api/v1/subscriptions`, { email }),
      (service, email) => sendForm(`${service.url}/subscribe`, { email }),
    ];
    const statuses: number[] = [];
    for (const [index, ask] of asks.entries()) {
      const service = await startService(t, env);
      const answer = await ask(service, people[index] ?? '');
      await kill(t, service, performance.now());
      statuses.push(answer.status);
    }
    t.same(statuses, [202, 200], 'both were acknowledged');

    const service = await startService(t, env);
    const relay = await startSmtp(t, { port });
    await until('the confirmation mails', async () => relay.received.length >= 2, 90_000);
    await quiet({ database });
    t.same(relay.received.flatMap(({ to }) => to).sort(), [...people].sort(), 'exactly one mail each');
    for (const email of people) {
      const link = await linkTo(relay, email, 'confirm');
      const page = await send(link);
      t.equal(page.status, 200, 'its link opens');
      t.match(page.body, /<form[^>]*method="post"[^>]*action="\/confirm\//, 'a page with a button');
      t.equal((await sendForm(link, {})).status, 200);
    }
    const listed = await subscribers(service);
    t.same(
      listed.map(({ email, status }) => [email, status]),
      people.map((email) => [email, 'confirmed']),
      'which confirms',
    );
    await quiet({ database });
    const asked = relay.received.filter(({ raw }) => raw.includes('/confirm/'));
    t.equal(asked.length, 2, 'and nobody was asked twice');
  },
);

t.test(
  'case 6: a link is good for 48 hours from when its mail went, however long the relay was down',
  { buffered: true },
  async (t) => {
    const app = await startApp(t);
    const { relay, clock } = app;
    const ask = (email: string) =>
      app.inject({
        method: 'POST',
        url: '/subscribe',
        headers: urlencoded,
        payload: new URLSearchParams({ email }).toString(),
      });
    const press = async (email: string) => {
      const { pathname } = new URL(await linkTo(relay, email, 'confirm'));
      return (await app.inject({ method: 'POST', url: pathname })).statusCode;
    };
    const confirmed = async () => {
      const answer = await app.inject({ url: '/api/v1/subscribers?status=confirmed', headers: bearer });
      const { subscribers } = z.object({ subscribers: z.array(z.object({ email: z.string() })) }).parse(answer.json());
      return subscribers.map(({ email }) => email);
    };
    relay.answerWith(({ stage }) => (stage === 'greeting' ? '421 4.3.2 not now' : undefined));
    await ask('early@example.org');
    await ask('late@example.org');
    for (let days = 0; days < 3; days += 1) {
      await app.settle();
      clock.advance({ days: 1 });
    }
    t.equal(relay.received.length, 0, 'three days without a relay');
    relay.answerWith(() => undefined);
    await app.settle();
    t.equal(relay.received.length, 2, 'then the mails go, without anybody asking again');

    clock.advance({ hours: 47, minutes: 59 });
    t.equal(await press('early@example.org'), 200);
    t.same(await confirmed(), ['early@example.org'], 'good just before the 48 hours are over');
    clock.advance({ minutes: 2 });
    t.equal(await press('late@example.org'), 410);
    t.same(await confirmed(), ['early@example.org'], 'and not just after');
  },
);

/** Settings of a service by where it keeps its data. */
const places: Record<string, (t: Test) => Promise<Record<string, string>>> = {
  'with a DATABASE_URL': async (t) => ({ DATABASE_URL: (await openDatabase(t)).url }),
  'with the embedded database': async (t) => {
    const dataDir = temporaryFolder(t);
    // A test that ends between two starts leaves no server behind.
    t.teardown(() => {
      if (existsSync(pidFileIn(dataDir))) process.kill(serverIn(dataDir), 'SIGKILL');
    });
    return { DATA_DIR: dataDir };
  },
};

const pidFileIn = (dataDir: string) => join(dataDir, 'postgres', 'postmaster.pid');

/** The process number of the database server in that folder. */
function serverIn(dataDir: string): number {
  return Number(readFileSync(pidFileIn(dataDir), 'utf8').split('\n')[0]);
}

const published = z.object({ version: z.number(), hash: z.string(), document: z.unknown() });
const deliveries = z.object({
  counts: z.record(z.string(), z.number()),
  deliveries: z.array(z.object({ email: z.string(), messageId: z.string() })),
});

for (const [place, settingsOf] of Object.entries(places)) {
  const name = `subscribe, confirm and publish, acknowledged right before kill -9, are not lost: ${place}`;
  t.test(name, { buffered: true }, async (t) => {
    const where = await settingsOf(t);
    const relay = await startSmtp(t);
    // The same address after each start, so that links in mail stay; the embedded default has its own key.
    const { SECRET_KEY, ...rest } = outsideEnv({ ...where, SMTP_URL: relay.url, PORT: `${await freePort()}` });
    const env = where.DATABASE_URL === undefined || SECRET_KEY === undefined ? rest : { ...rest, SECRET_KEY };
    const restart = () => startService(t, env);
    const [ann, bob] = ['ann@example.org', 'bob@example.org'];
    const states = async () =>
      Object.fromEntries((await subscribers(service)).map(({ email, status }) => [email, status]));

    let service = await restart();
    await sendJson(`${service.url}/api/v1/subscriptions`, { email: ann });
    const link = await mailedLink(relay, ann, 'confirm');
    const asked = await sendJson(`${service.url}/api/v1/subscriptions`, { email: bob });
    await kill(t, service, performance.now());
    t.equal(asked.status, 202);

    service = await restart();
    t.same(await states(), { [ann]: 'pending', [bob]: 'pending' }, 'the request is kept');
    const confirmed = await sendForm(link, {});
    await kill(t, service, performance.now());
    t.equal(confirmed.status, 200);

    service = await restart();
    t.same(await states(), { [ann]: 'confirmed', [bob]: 'pending' }, 'the confirmation is kept');
    await publish(service, listOf('Vendor One'), { notify: false });
    const draft = JSON.stringify(listOf('Vendor One', 'Vendor Two'));
    t.equal((await asAdmin(service, '/api/v1/draft', { method: 'PUT', body: draft })).status, 200);
    const answer = await asAdmin(service, '/api/v1/versions', { method: 'POST', body: '{}' });
    const answeredAt = performance.now();
    // This time the machine goes down: the database server dies as well.
    if (where.DATA_DIR !== undefined) process.kill(serverIn(where.DATA_DIR), 'SIGKILL');
    await kill(t, service, answeredAt);
    t.equal(answer.status, 201);

    service = await restart();
    const acknowledged = published.parse(JSON.parse(answer.body));
    const kept = await send(`${service.url}/versions/2.json`);
    t.equal(kept.status, 200, 'the version is kept');
    t.strictSame(published.parse(JSON.parse(kept.body)), acknowledged, 'as it was acknowledged');

    // What each of them causes comes without anybody asking again; a repeat, if any, is the same message.
    const mailsOf = (email: string, part: string) => relay.mailTo(email).filter(({ raw }) => raw.includes(part));
    const comesOnce = async (what: string, email: string, part: string) => {
      await until(what, async () => mailsOf(email, part).length > 0, 90_000);
      const ids = new Set(mailsOf(email, part).map((mail) => headerOf(mail, 'Message-ID')));
      t.equal(ids.size, 1, `${what} comes, as one message`);
      return [...ids][0];
    };
    await comesOnce('the confirmation mail of the one who asked', bob, '/confirm/');
    await comesOnce('the welcome of the one who confirmed', ann, 'Subject: You ');
    const id = await comesOnce('the notice', ann, '/objections/');
    const told = await until('the record of the notice', async () => {
      const { body } = await asAdmin(service, '/api/v1/versions/2/deliveries');
      const report = deliveries.parse(JSON.parse(body));
      return report.counts.sent === 1 && report;
    });
    t.same(told.deliveries, [{ email: ann, messageId: id }], 'is recorded as one delivery');
    t.same(mailsOf(bob, '/objections/'), [], 'and goes to nobody who has not confirmed');

    t.equal((await sendForm(await linkTo(relay, bob, 'confirm'), {})).status, 200);
    const [notice] = mailsOf(ann, '/objections/');
    t.equal((await oneClick(notice === undefined ? '' : oneClickUrl(notice))).status, 200);
    t.same(await states(), { [ann]: 'unsubscribed', [bob]: 'confirmed' }, 'links signed before each kill still work');
    t.equal(await service.stop(), 0, 'the last start stops in order');
  });
}
