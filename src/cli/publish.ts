import { operatorActor } from '../actor.js';
import { adminVersionJson, scheduledJson } from '../routes/api/wire.js';
import { writeDraft } from '../versions/draft.js';
import { publish } from '../versions/publish.js';
import { type PublishRequest, type PublishResult, publishRequestSchema } from '../versions/version.js';
import { type Command, type Input, UsageError } from './command.js';
import { readListText } from './file.js';
import { withDeps } from './open.js';

/** Publishes the draft, as `POST /api/v1/versions` does; with FILE, makes that the draft first. */
export const publishCommand: Command = {
  name: 'publish',
  usage:
    '[FILE] [--message TEXT] [--effective-at DAY] [--objection-deadline DAY] [--publish-at TIME] [--hold-back MINUTES] [--emergency] [--reason TEXT] [--corrects N] [--no-notify] [--json]',
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
    json: { type: 'boolean' },
  },
  arguments: { min: 0, max: 1 },
  async run(input, surroundings) {
    const request = requestOf(input);
    const [path] = input.positionals;
    const result = await withDeps(surroundings, async (deps) => {
      const written = path === undefined ? null : await writeDraft(deps, await readListText(path), {}, operatorActor);
      // The file, and not what somebody else has made the draft in this moment.
      return publish(deps, request, operatorActor, { ifRevision: written?.revision });
    });
    surroundings.say(input.flag('json') ? JSON.stringify(forPrograms(result)) : forPeople(result));
    return 0;
  },
};

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

/** What the API answers. */
function forPrograms(result: PublishResult): object {
  if (result.status === 202) return scheduledJson(result.scheduled);
  return { ...adminVersionJson(result.version, result.state), notice: result.notice };
}

const because: Readonly<Record<string, string>> = {
  'first-version': 'nobody is told, as it is the first version',
  'not-wanted': 'nobody is told, as you wished',
  'no-net-change': 'nobody is told, as nothing changed for readers since the last notice',
};

function forPeople(result: PublishResult): string {
  if (result.status === 202) {
    return `Version ${result.scheduled.number} will be published at ${result.scheduled.publishAt.toISOString()}.`;
  }
  const { version, notice } = result;
  const dates = [
    `in force from ${version.effectiveAt.toISOString()}`,
    ...(version.objectionDeadline === null ? [] : [`objections until ${version.objectionDeadline.toISOString()}`]),
    notice.ordered
      ? `subscribers are told${notice.sendAfter ? ` at ${notice.sendAfter.toISOString()}` : ''}`
      : (because[notice.because] ?? notice.because),
  ];
  return `Version ${version.number} is published with ${version.changes.length} changes: ${dates.join('; ')}.`;
}
