import { describe, namesOf } from '../list/describe.js';
import { severityOf } from '../list/severity.js';
import type { PlanAnswer } from '../routes/api/plan.js';
import { loadTexts, type Texts } from '../texts.js';
import { accountLines } from './account-lines.js';
import type { Command, Outcome } from './command.js';
import { readListText } from './file.js';
import { targetOptions, targetUsage, withTarget } from './target.js';

/** Tells what publishing a file would change, when it could lawfully take effect, and whom it would be told to. */
export const planCommand: Command = {
  name: 'plan',
  usage: `FILE [--exit-code] [--json] [--locale en] ${targetUsage}`,
  summary: 'Tells what publishing FILE would come to: changes, severity, earliest date, recipients. Writes nothing.',
  options: {
    'exit-code': { type: 'boolean' },
    json: { type: 'boolean' },
    locale: { type: 'string' },
    ...targetOptions,
  },
  arguments: { min: 1, max: 1 },
  async run(input, surroundings) {
    const {
      positionals: [path = ''],
      flag,
      text,
    } = input;
    const list = await readListText(path);
    const plan = await withTarget(input, surroundings, (target) => target.plan(list));
    if (flag('json')) surroundings.say(JSON.stringify(forPrograms(plan)));
    else if (plan.version === null) {
      surroundings.say('Nothing changes: the file says what the latest version says.');
    } else {
      const texts = loadTexts({ timeZone: plan.timeZone }).for(text('locale') ?? 'en');
      for (const line of forPeople(plan, texts)) surroundings.say(line);
    }
    return flag('exit-code') ? codeOf(plan) : 0;
  },
};

/** Lists are what the file and the archive are for. */
function forPrograms({ document: _, before: __, ...facts }: PlanAnswer): object {
  return facts;
}

function forPeople(plan: PlanAnswer, texts: Texts): string[] {
  const account = describe(plan.changes, namesOf(plan.before, plan.document), texts);
  const pairs = plan.suggestions.map(
    ({ removedName, addedName, removed }) =>
      `  ${removedName} → ${addedName}: if it is the same vendor, give the new entry "id: ${removed}"`,
  );
  const moment = (at: string) => texts.moment(new Date(at));
  const groups = plan.byGroup.map(
    ({ name, noticeDays, count, earliestEffectiveAt }) =>
      `  ${count} with ${noticeDays} days of notice${name === null ? '' : ` (${name})`}, earliest ${moment(earliestEffectiveAt)}`,
  );
  return [
    `Version ${plan.version}, ${plan.severity ?? 'no'} change`,
    '',
    ...accountLines(account, { reasons: true }),
    ...(pairs.length === 0 ? [] : ['', 'These may be renames, and are told as a removal and an addition:', ...pairs]),
    '',
    ...(plan.first ? ['Version 1: nobody is told, and it may take effect at once.'] : []),
    ...(plan.first || plan.earliestEffectiveAt === null
      ? []
      : [`Earliest lawful date: ${moment(plan.earliestEffectiveAt)}`]),
    ...(plan.objectionDeadline === null ? [] : [`Objections until: ${moment(plan.objectionDeadline)}`]),
    ...(plan.notice === null || plan.notice.ordered
      ? [`Recipients: ${plan.recipients}`, ...groups]
      : [`Recipients: none (${plan.notice.because})`]),
    ...(plan.notice?.ordered && plan.notice.sendAfter !== undefined
      ? [`The notice waits for further versions until ${moment(plan.notice.sendAfter)}`]
      : []),
    ...(plan.needsApproval ? ['Another person has to approve it before it is published.'] : []),
    ...(plan.scheduled === null
      ? []
      : [
          `Version ${plan.scheduled.version} is planned for ${moment(plan.scheduled.publishAt)}: it goes first, or is called off.`,
        ]),
  ];
}

/** For a pipeline: 3 when something changes, 4 when something material does. */
function codeOf({ version, changes }: PlanAnswer): Outcome {
  if (version === null) return 0;
  return severityOf(changes) === 'material' ? 4 : 3;
}
