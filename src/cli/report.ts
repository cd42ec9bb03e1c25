import type { z } from 'zod';
import type { adminVersionSchema, deliveriesSchema } from '../routes/api/wire.js';
import { type Command, UsageError } from './command.js';
import { targetOptions, targetUsage, withTarget } from './target.js';

/** The evidence that a version was told: its dates and hash, and for each recipient what became of their notice. */
export const reportCommand: Command = {
  name: 'report',
  usage: `N [--json] ${targetUsage}`,
  summary: 'Tells who was told of version N and when; with --json a line for the version, then one a recipient.',
  options: { json: { type: 'boolean' }, ...targetOptions },
  arguments: { min: 1, max: 1 },
  async run(input, surroundings) {
    const {
      positionals: [number = ''],
      flag,
    } = input;
    if (!/^[1-9]\d{0,8}$/.test(number)) throw new UsageError('report needs the number of a version, such as 3');
    const { say } = surroundings;
    await withTarget(input, surroundings, async (target) => {
      const facts = await target.version(Number(number));
      let begun = false;
      for await (const page of target.deliveries(facts.version)) {
        const { counts, complete, deliveries } = page;
        if (flag('json')) {
          if (!begun) say(JSON.stringify({ version: facts, counts, complete }));
          for (const delivery of deliveries) say(JSON.stringify(delivery));
        } else {
          if (!begun) for (const line of headLines(facts, page)) say(line);
          for (const { state, email, sentAt, response, reason } of deliveries) {
            say([state, sentAt ?? '-', email ?? '(erased)', response ?? reason ?? ''].join('\t').trimEnd());
          }
        }
        begun = true;
      }
    });
    return 0;
  },
};

type Facts = z.infer<typeof adminVersionSchema>;
type Page = z.infer<typeof deliveriesSchema>;

function headLines({ version, state, hash, publishedAt, effectiveAt, objectionDeadline }: Facts, page: Page): string[] {
  return [
    `Version ${version} (${state}), ${hash}`,
    `  published ${publishedAt}, in force from ${effectiveAt}`,
    ...(objectionDeadline === null ? [] : [`  objections until ${objectionDeadline}`]),
    `  ${countLine(page)}`,
  ];
}

function countLine({ counts, complete, notices }: Page): string {
  if (notices === 0) return 'nobody was to be told';
  const parts = Object.entries(counts).flatMap(([state, count]) => (count === 0 ? [] : [`${count} ${state}`]));
  return `${parts.join(', ') || 'no recipients'}${complete ? '' : '; not complete yet'}`;
}
