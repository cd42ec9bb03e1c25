import { Refusal } from '../errors.js';
import { type PublishRequest, publishRequestSchema } from '../versions/version.js';
import { type Command, type Input, type Outcome, UsageError } from './command.js';
import { readListText } from './file.js';
import { keyPattern } from './idempotency.js';
import type { Published } from './published.js';
import { targetOptions, targetUsage, withTarget } from './target.js';

/** Publishes the draft, as `POST /api/v1/versions` does; with FILE, makes that the draft first. */
export const publishCommand: Command = {
  name: 'publish',
  usage: `[FILE] [--message TEXT] [--effective-at DAY] [--objection-deadline DAY] [--publish-at TIME] [--hold-back MINUTES] [--emergency] [--reason TEXT] [--corrects N] [--no-notify] [--ask-approval] [--idempotency-key KEY] [--json] ${targetUsage}`,
  summary: 'Publishes the draft, or FILE (YAML or JSON) as the new draft. The running service sends the notices.',
  options: {
    message: { type: 'string' },
    'effective-at': { type: 'string' },
    'objection-deadline': { type: 'string' },
    'publish-at': { type: 'string' },
    'hold-back': { type: 'string' },
    emergency: { type: 'boolean' },
    reason: { type: 'string' },
    corrects: { type: 'string' },
    'no-notify': { type: 'boolean' },
    'ask-approval': { type: 'boolean' },
    'idempotency-key': { type: 'string' },
    json: { type: 'boolean' },
    ...targetOptions,
  },
  arguments: { min: 0, max: 1 },
  async run(input, surroundings) {
    const request = requestOf(input);
    const key = input.text('idempotency-key');
    if (key !== undefined && !keyPattern.test(key)) {
      throw new UsageError('publish: --idempotency-key is 1 to 200 visible ASCII characters, such as the commit');
    }
    const [path] = input.positionals;
    const list = path === undefined ? null : await readListText(path);
    const { say, complain } = surroundings;
    return withTarget(input, surroundings, async (target): Promise<Outcome> => {
      try {
        const done = await target.publish({ request, list, key });
        if (input.flag('json')) say(JSON.stringify(done.status === 202 ? done.scheduled : done.version));
        else say(forPeople(done));
        return 0;
      } catch (error) {
        if (!input.flag('ask-approval') || !(error instanceof Refusal) || error.code !== 'approval.missing')
          throw error;
        const approval = await target.askApproval();
        if (input.flag('json')) say(JSON.stringify({ approval }));
        complain('Not published yet: the publishers are asked to approve the draft; publish it again then.');
        return waiting;
      }
    });
  },
};

/** What a pipeline is told when it depends on a person now. */
const waiting = 5;

function requestOf({ text, flag }: Input): PublishRequest {
  const given = {
    message: text('message'),
    effectiveAt: text('effective-at'),
    objectionDeadline: text('objection-deadline'),
    publishAt: text('publish-at'),
    holdBackMinutes: text('hold-back') === undefined ? undefined : Number(text('hold-back')),
    reason: text('reason'),
    corrects: text('corrects') === undefined ? undefined : Number(text('corrects')),
    emergency: flag('emergency') ? true : undefined,
    notify: flag('no-notify') ? false : undefined,
  };
  const request = publishRequestSchema.safeParse(JSON.parse(JSON.stringify(given)));
  if (request.success) return request.data;
  const [issue] = request.error.issues;
  throw new UsageError(`publish: ${issue?.path.join('.')} ${issue?.message}`);
}

const because: Readonly<Record<string, string>> = {
  'first-version': 'nobody is told, as it is the first version',
  'not-wanted': 'nobody is told, as you wished',
  'no-net-change': 'nobody is told, as nothing changed for readers since the last notice',
};

function forPeople(done: Published): string {
  if (done.status === 202) {
    const { version, publishAt } = done.scheduled;
    return `Version ${version} will be published at ${publishAt}.`;
  }
  const { version, changes, effectiveAt, objectionDeadline, notice } = done.version;
  const dates = [
    `in force from ${effectiveAt}`,
    ...(objectionDeadline === null ? [] : [`objections until ${objectionDeadline}`]),
    notice.ordered
      ? `subscribers are told${notice.sendAfter ? ` at ${notice.sendAfter}` : ''}`
      : (because[notice.because] ?? notice.because),
  ];
  return `Version ${version} is published with ${changes} changes: ${dates.join('; ')}.`;
}
