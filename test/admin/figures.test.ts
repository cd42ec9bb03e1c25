import t from 'tap';
import { countDeliveries } from '../../src/deliveries/figures.js';
import { type Chart, lines, opposedColumns, type Series, stackedColumns } from '../../src/routes/admin/charts.js';
import { spanOf } from '../../src/routes/admin/figures-view.js';
import { markupOf } from '../../src/routes/html.js';
import { eraseSubscriber } from '../../src/subscribers/erase.js';
import { countSubscribers } from '../../src/subscribers/figures.js';
import { dayOf } from '../../src/versions/clock.js';
import { linkTo, listYaml, newVendor, publishList, subscribeAndConfirm, textOf } from '../pages/support.js';
import { startApp, type TestApp } from '../support/app.js';
import { signInAs, type Visitor } from './support.js';

t.setTimeout(170_000);

const count = async ({ deps }: TestApp) => {
  const today = dayOf(deps.now(), deps.config.timeZone);
  await countSubscribers(deps, today);
  await countDeliveries(deps, today);
};
const leave = async (app: TestApp, email: string) =>
  app.inject({ method: 'POST', url: await linkTo(app, email, 'unsubscribe') });

async function erase({ deps, database }: TestApp, email: string) {
  const { rows } = await database.pool.query<{ id: number }>('select id::integer from subscribers where email = $1', [
    email,
  ]);
  await eraseSubscriber(deps, rows[0]?.id ?? 0, { kind: 'admin', id: 1, role: 'admin' });
}

/** The days of a file without those on which nothing was. */
async function fileOf(visitor: Visitor, file: string): Promise<string[]> {
  const answer = await visitor.get(`/admin/figures/${file}.csv?range=all`);
  t.match(answer.headers['content-type'], /text\/csv/);
  return answer.body.trim().split('\r\n').slice(1);
}

t.test('each day keeps how many there were, who came and who went, also of those who were erased', async (t) => {
  const app = await startApp(t, { env: { TIME_ZONE: 'Europe/Berlin' } });
  const first = dayOf(app.clock.now(), 'Europe/Berlin');
  for (const name of ['a', 'b', 'c', 'd']) await subscribeAndConfirm(app, `${name}@example.org`);
  await count(app);
  await count(app);
  app.clock.advance({ days: 1 });
  await leave(app, 'a@example.org');
  await subscribeAndConfirm(app, 'e@example.org');
  await count(app);
  await erase(app, 'e@example.org');
  await erase(app, 'b@example.org');
  await count(app);
  // Nobody runs for two days.
  app.clock.advance({ days: 3 });
  await subscribeAndConfirm(app, 'a@example.org');
  await count(app);
  const officer = await signInAs(app, 'viewer');
  const days = await fileOf(officer, 'subscribers');
  t.same(
    days.map((row) => row.slice(11)),
    ['4,0,0,0,4,0,0,0', '2,0,1,0,1,1,0,2', '2,0,1,0,0,0,0,0', '2,0,1,0,0,0,0,0', '3,0,0,0,1,0,0,0'],
    'confirmed, pending, unsubscribed, suppressed; gained, lost by reason',
  );
  t.equal(days[0]?.slice(0, 10), first);

  const page = await officer.get('/admin/figures');
  t.equal(page.statusCode, 200);
  t.match(textOf(page.body), /In the whole range 6 came and 3 went/);
  t.notMatch(page.body, / style=|<script(?! src)/, 'as the content security policy wants it');
  for (const range of ['90-days', '1-year', 'all', 'nonsense']) {
    t.equal((await officer.get(`/admin/figures?range=${range}`)).statusCode, 200, range);
  }
});

t.test('the first count makes up the days before from those who are still there', async (t) => {
  const app = await startApp(t);
  for (const name of ['a', 'b', 'c']) await subscribeAndConfirm(app, `${name}@example.org`);
  app.clock.advance({ days: 2 });
  await leave(app, 'a@example.org');
  await erase(app, 'b@example.org');
  app.clock.advance({ days: 1 });
  await subscribeAndConfirm(app, 'd@example.org');
  const officer = await signInAs(app, 'viewer');
  t.match(textOf((await officer.get('/admin/figures')).body), /Nothing has been counted yet/);
  await count(app);
  t.same(
    (await fileOf(officer, 'subscribers')).map((row) => row.slice(11)),
    ['2,0,0,0,2,0,0,0', '2,0,0,0,0,0,0,0', '1,0,1,0,0,1,0,0', '2,0,1,0,1,0,0,0'],
  );
  const page = await officer.get('/admin/figures?range=all');
  t.match(textOf(page.body), /Earlier figures were made up afterwards/);
});

t.test('mails are counted by the day on which something became of them, and stay so', async (t) => {
  const app = await startApp(t);
  await publishList(app, listYaml());
  for (const name of ['a', 'b']) await subscribeAndConfirm(app, `${name}@example.org`);
  await app.settle();
  await count(app);
  const before = await app.database.pool.query('select day, state, count from delivery_days');
  app.clock.advance({ days: 1 });
  await publishList(app, listYaml(newVendor));
  await app.settle();
  await app.database.pool.query(
    `update deliveries set state = 'bounced', reason = 'mailbox-unknown', settled_at = $1, state_at = $1
     where kind = 'notice' and email = 'b@example.org'`,
    [app.clock.now()],
  );
  await count(app);
  await app.database.pool.query(`update deliveries set sent_at = sent_at + interval '9 days' where kind = 'notice'`);
  await count(app);
  const after = await app.database.pool.query('select day, state, count from delivery_days order by day');
  t.same(after.rows.slice(0, before.rows.length), before.rows, 'a day that is over keeps its numbers');
  const rows = await fileOf(await signInAs(app, 'viewer'), 'deliveries');
  t.match(rows[1], /,2,1,0,0$/, 'handed over, and came back');
});

t.test('a range has whole periods, of which the last may go on', async (t) => {
  t.same(spanOf('30-days', '2027-03-01', null), { since: '2027-01-31', unit: 'day' });
  t.same(spanOf('90-days', '2027-03-01', null), { since: '2026-11-30', unit: 'week' });
  t.same(spanOf('1-year', '2027-03-31', null), { since: '2026-04-01', unit: 'month' });
  t.same(spanOf('all', '2027-03-01', '2026-02-14'), { since: '2026-02-01', unit: 'month' });
  t.same(spanOf('all', '2027-03-01', '2020-02-14'), { since: '2020-01-01', unit: 'year' });
  t.same(spanOf('all', '2027-03-01', null), { since: '2027-03-01', unit: 'month' });
});

t.test('charts hold what they are told, for whoever does not see them as well', async (t) => {
  const chart: Chart = { id: 'x', title: 'A <b>', description: 'What & how', periods: ['one', 'two'] };
  const series: Series[] = [
    { name: 'up', look: 1, values: [3, 0] },
    { name: 'down', look: 2, values: [1, 0] },
  ];
  const [first, ...rest] = series;
  if (first === undefined) throw new Error('a chart without a series');
  const stacked = stackedColumns(chart, series);
  t.same(stacked.ticks, [4, 2, 0]);
  const markup = markupOf(stacked.picture);
  t.match(
    markup,
    /role="img" aria-labelledby="x-title x-desc"><title id="x-title">A &lt;b&gt;<\/title><desc id="x-desc">What &amp; how/,
  );
  t.match(markup, /y="50" width="[\d.]+" height="150"/, 'three of four');
  t.match(markup, /y="0" width="[\d.]+" height="50"/, 'and one upon them');
  t.match(markup, /two\nup: 0\ndown: 0/);
  t.same(opposedColumns(chart, first, rest).ticks, [4, 0, -4]);
  t.match(markupOf(opposedColumns(chart, first, rest).picture), /y="25" width="[\d.]+" height="75"/);
  t.match(markupOf(lines(chart, series).picture), /points="0,50 600,200"/);
  const nothing = { ...chart, periods: ['one'] };
  for (const drawn of [stackedColumns(nothing, []), lines(nothing, [{ name: 'x', look: 1, values: [0] }])]) {
    t.same(drawn.ticks, [2, 1, 0]);
    t.notMatch(markupOf(drawn.picture), /NaN|Infinity/);
  }
});
