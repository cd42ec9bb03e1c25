import ICAL from 'ical.js';
import t, { type Test } from 'tap';
import { systemActor } from '../../src/actor.js';
import { withdraw } from '../../src/versions/withdraw.js';
import { startApp, type TestApp } from '../support/app.js';
import { listYaml, newVendor, publishList } from './support.js';

interface Read {
  uid: string;
  summary: string;
  start: string;
  end: string;
  sequence: number;
  status: string;
  description: string;
}

/** The events of a calendar, read by another library than the one that writes it. */
function eventsOf(text: string): Read[] {
  const calendar = new ICAL.Component(ICAL.parse(text));
  return calendar.getAllSubcomponents('vevent').map((component) => {
    const event = new ICAL.Event(component);
    return {
      uid: event.uid,
      summary: event.summary,
      start: event.startDate.toString(),
      end: event.endDate.toString(),
      sequence: event.sequence,
      status: String(component.getFirstPropertyValue('status')),
      description: event.description,
    };
  });
}

async function read(t: Test, app: TestApp, url: string): Promise<{ body: string; events: Read[] }> {
  const answer = await app.inject(url);
  t.equal(answer.statusCode, 200, url);
  t.match(answer.headers['content-type'], 'text/calendar; charset=utf-8');
  t.notMatch(answer.body, /[^\r]\n|\r[^\n]/, 'lines end by CR LF');
  t.same(
    answer.body.split('\r\n').filter((line) => Buffer.byteLength(line) > 75),
    [],
    'no line has more than 75 octets',
  );
  t.equal(Buffer.from(answer.body, 'utf8').toString('utf8'), answer.body, 'no letter is cut in two');
  return { body: answer.body, events: eventsOf(answer.body) };
}

t.test('dates that are days are whole days of TIME_ZONE, others are instants', async (t) => {
  const app = await startApp(t, { env: { TIME_ZONE: 'Pacific/Auckland' } });
  t.same((await read(t, app, '/calendar.ics')).events, [], 'before the first version it is empty, and a calendar');
  await publishList(app, listYaml(), { effectiveAt: '2027-01-04T12:30:00Z' });
  await publishList(app, listYaml(newVendor), { effectiveAt: '2027-04-05', objectionDeadline: '2027-04-04' });
  app.deps.kept.markStale();
  const { events } = await read(t, app, '/calendar.ics');
  const [effective, deadline, first] = events;
  t.match(effective, { start: '2027-04-05', end: '2027-04-06' });
  t.match(deadline, { start: '2027-04-04', end: '2027-04-05' }, 'on the day whose 24:00 it is, 25 hours long');
  t.match(first, { start: '2027-01-04T12:30:00Z' });
  t.equal(events.length, 3);
  t.match(effective?.summary, 'version 2');
  t.match(effective?.description, 'One change.');
  t.match(effective?.description, 'http://notices.example.org/versions/2');
  t.same((await read(t, app, '/versions/2.ics')).events, [effective, deadline], 'one version alone');
  t.equal((await app.inject('/versions/3.ics')).statusCode, 404);
  t.match((await read(t, app, '/calendar.ics?lang=de')).events[0]?.summary, 'wird wirksam');
});

t.test('an event keeps its id, and a withdrawn version cancels its events', async (t) => {
  const app = await startApp(t);
  await publishList(app, listYaml());
  await publishList(app, listYaml(newVendor));
  app.deps.kept.markStale();
  const before = (await read(t, app, '/versions/2.ics')).events;
  t.match(before, [
    { status: 'CONFIRMED', sequence: 0 },
    { status: 'CONFIRMED', sequence: 0 },
  ]);
  const elsewhere = await startApp(t, { database: app.database, env: { PUBLIC_URL: 'https://example.org/trust' } });
  const moved = (await read(t, elsewhere, '/versions/2.ics')).events;
  t.same(
    moved.map(({ uid }) => uid),
    before.map(({ uid }) => uid),
    'also at another address',
  );
  t.match(moved[0]?.description, 'https://example.org/trust/versions/2');

  app.clock.advance({ days: 1 });
  await withdraw(app.deps, 2, 'Not needed after all.', systemActor);
  app.deps.kept.markStale();
  const after = (await read(t, app, '/calendar.ics')).events.slice(0, 2);
  t.match(after, [
    { uid: before[0]?.uid, status: 'CANCELLED', sequence: 1 },
    { uid: before[1]?.uid, status: 'CANCELLED', sequence: 1 },
  ]);
});

t.test('names and messages are letter for letter, whatever they hold', async (t) => {
  const company = 'Less <$100 & "Co"; شركة أمثلة, 示例 \\n BEGIN:VALARM';
  const message = 'One, two; three\\four\n\nEND:VEVENT\nBEGIN:VEVENT 示例 & 子公司 '.repeat(3).trim();
  const app = await startApp(t, { env: { COMPANY_NAME: company } });
  await publishList(app, listYaml());
  await publishList(app, listYaml(newVendor), { message });
  app.deps.kept.markStale();
  const { events } = await read(t, app, '/versions/2.ics');
  t.equal(events.length, 2);
  t.match(events[0]?.summary, company);
  t.ok(events[0]?.description.includes(message));
});
