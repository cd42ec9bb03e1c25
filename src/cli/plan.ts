import { Refusal } from '../errors.js';
import { describe, namesOf } from '../list/describe.js';
import { severityOf } from '../list/severity.js';
import type { Texts } from '../texts.js';
import { type DocumentPlan, planDocument } from '../versions/plan-document.js';
import { accountLines } from './account-lines.js';
import type { Command, Outcome } from './command.js';
import { readListText } from './file.js';
import { withDeps } from './open.js';

/** Tells what publishing a file would change, when it could lawfully take effect, and whom it would be told to. */
export const planCommand: Command = {
  name: 'plan',
  usage: 'FILE [--exit-code] [--json] [--locale en]',
  summary: 'Tells what publishing FILE would come to: changes, severity, earliest date, recipients. Writes nothing.',
  options: { 'exit-code': { type: 'boolean' }, json: { type: 'boolean' }, locale: { type: 'string' } },
  arguments: { min: 1, max: 1 },
  async run({ positionals: [path = ''], flag, text }, surroundings) {
    const input = await readListText(path);
    const { found, texts } = await withDeps(surroundings, async (deps) => ({
      found: await planOrNull(() => planDocument(deps, input)),
      texts: deps.texts.for(text('locale') ?? 'en'),
    }));
    if (found === null) {
      surroundings.say(
        flag('json') ? JSON.stringify(unchanged) : 'Nothing changes: the file says what the latest version says.',
      );
      return 0;
    }
    if (flag('json')) surroundings.say(JSON.stringify(forPrograms(found)));
    else for (const line of forPeople(found, texts)) surroundings.say(line);
    return flag('exit-code') ? codeOf(found) : 0;
  },
};

async function planOrNull(plan: () => Promise<DocumentPlan>): Promise<DocumentPlan | null> {
  try {
    return await plan();
  } catch (error) {
    if (error instanceof Refusal && error.code === 'version.unchanged') return null;
    throw error;
  }
}

const unchanged = {
  version: null,
  severity: null,
  changes: [],
  suggestions: [],
  earliestEffectiveAt: null,
  recipients: 0,
};

function forPrograms({ plan, dates, audience }: DocumentPlan): object {
  return {
    version: plan.number,
    severity: plan.severity,
    changes: plan.changes,
    suggestions: plan.suggestions,
    notice: plan.notice,
    earliestEffectiveAt: dates.earliest.toISOString(),
    objectionDeadline: dates.objectionDeadline?.toISOString() ?? null,
    recipients: audience.recipients.total,
    byGroup: audience.recipients.byGroup,
    unreachable: audience.unreachable,
  };
}

function forPeople({ plan, document, before, dates, audience }: DocumentPlan, texts: Texts): string[] {
  const account = describe(plan.changes, namesOf(before, document), texts);
  const pairs = plan.suggestions.map(
    ({ removedName, addedName, removed }) =>
      `  ${removedName} → ${addedName}: if it is the same vendor, give the new entry "id: ${removed}"`,
  );
  const groups = audience.recipients.byGroup.map(
    ({ name, noticeDays, count }) => `  ${count} with ${noticeDays} days of notice${name === null ? '' : ` (${name})`}`,
  );
  return [
    `Version ${plan.number}, ${plan.severity ?? 'no'} change`,
    '',
    ...accountLines(account, { reasons: true }),
    ...(pairs.length === 0 ? [] : ['', 'These may be renames, and are told as a removal and an addition:', ...pairs]),
    '',
    plan.facts.first
      ? 'Version 1: nobody is told, and it may take effect at once.'
      : `Earliest lawful date: ${texts.moment(dates.earliest)}`,
    ...(dates.objectionDeadline === null ? [] : [`Objections until: ${texts.moment(dates.objectionDeadline)}`]),
    plan.notice.ordered ? `Recipients: ${audience.recipients.total}` : `Recipients: none (${plan.notice.because})`,
    ...(plan.notice.ordered ? groups : []),
  ];
}

/** For a pipeline: 3 when something changes, 4 when something material does. */
function codeOf({ plan }: DocumentPlan): Outcome {
  return severityOf(plan.changes) === 'material' ? 4 : 3;
}
