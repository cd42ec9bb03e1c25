import { randomUUID } from 'node:crypto';
import t from 'tap';
import { claimDeliveries } from '../src/deliveries/queries.js';
import { fanOut } from '../src/notices/fan-out.js';
import { addCrowd, addVersions, order, start } from './deliveries/make.js';
import { openDatabase } from './support/database.js';
t.test('x', async (t) => {
  const { pool } = await openDatabase(t);
  await addVersions(pool, 3);
  await addCrowd(pool, 100_000);
  await order(pool, 2);
  let b = performance.now();
  while ((await fanOut({ db: pool, now: () => start })) > 0);
  t.comment(`fan-out ${performance.now() - b}`);
  const seen: string[] = [];
  const db = new Proxy(pool, { get(target, name) {
    if (name !== 'query') return Reflect.get(target, name);
    return async (text: string, values: unknown[]) => { 
      const r = await target.query('explain (analyze, buffers) ' + text, values); seen.push(r.rows.map((x: any) => x['QUERY PLAN']).join('\n')); return target.query('select 1 where false'); };
  } });
  for (let i = 0; i < 3; i++) {
  await claimDeliveries(db as any, { instance: randomUUID(), most: 500, now: start, leasedUntil: new Date(start.getTime() + 1000), domain: 'x' });
  }
  await pool.query('analyze');
  await claimDeliveries(db as any, { instance: randomUUID(), most: 500, now: start, leasedUntil: new Date(start.getTime() + 1000), domain: 'x' });
  console.log(seen[0]); console.log(seen[2]); console.log(seen[3]);
});
