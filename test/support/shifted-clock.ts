import { createServer } from 'node:http';

/*
 * Loaded before the service in tests: its clock shows CLOCK_START and goes on from there. On
 * CLOCK_PORT it says the time and what CPU time the process has used, and is set: `POST /?at=INSTANT`.
 */

const RealDate = globalThis.Date;
const startedAt = RealDate.now();
let shift = new RealDate(process.env.CLOCK_START ?? startedAt).getTime() - startedAt;
const now = () => RealDate.now() + shift;

globalThis.Date = new Proxy(RealDate, {
  construct: (target, given, newTarget) => Reflect.construct(target, given.length === 0 ? [now()] : given, newTarget),
  apply: () => new RealDate(now()).toString(),
  get: (target, key) => (key === 'now' ? now : Reflect.get(target, key)),
});

createServer(({ method, url }, answer) => {
  const at = new URL(url ?? '/', 'http://clock').searchParams.get('at');
  if (method === 'POST' && at !== null) shift = RealDate.parse(at) - RealDate.now();
  const { user, system } = process.cpuUsage();
  answer.end(JSON.stringify({ now: new RealDate(now()).toISOString(), cpuMs: (user + system) / 1000 }));
})
  .listen(Number(process.env.CLOCK_PORT), '127.0.0.1')
  .unref();
