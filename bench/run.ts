import { benchConsole } from './console.js';
import { benchDelivery } from './delivery.js';
import { benchPublic } from './public.js';

/*
 * `npm run bench -- NAME [--flag …]`: measures the built service beside a reference in the same run. All
 * traffic stays on the loopback interface, and everything that is started is ended.
 */

const benchmarks: Readonly<Record<string, (flags: readonly string[]) => Promise<void>>> = {
  console: benchConsole,
  delivery: benchDelivery,
  public: benchPublic,
};

const [name = '', ...flags] = process.argv.slice(2);
const benchmark = benchmarks[name];
if (benchmark === undefined) {
  process.stderr.write(`usage: npm run bench -- ${Object.keys(benchmarks).join('|')} [flags]\n`);
  process.exitCode = 2;
} else {
  await benchmark(flags);
}
