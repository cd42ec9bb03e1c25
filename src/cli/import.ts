import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { OperatorError } from '../errors.js';
import { type Mapping, mappingSchema } from '../list/import/mapping.js';
import type { ImportReport } from '../routes/api/import-json.js';
import { loadTexts } from '../texts.js';
import { type ImportMode, importModes, type PairDecisions } from '../versions/import-plan.js';
import { type Command, type Input, type Surroundings, UsageError } from './command.js';
import { importLines } from './import-lines.js';
import { targetOptions, targetUsage, withTarget } from './target.js';

/** Takes a list as people have it into the draft, as `POST /api/v1/draft/import` does. */
export const importCommand: Command = {
  name: 'import',
  usage: `FILE [--mapping FILE] [--mode replace|merge] [--same OLD=NEW,…] [--yes | --dry-run | --print-mapping] [--json] [--locale en] ${targetUsage}`,
  summary:
    'Takes a list (a saved page, .xlsx, CSV, Markdown, JSON, YAML) into the draft; tells what was understood and what is left.',
  options: {
    mapping: { type: 'string' },
    mode: { type: 'string' },
    same: { type: 'string' },
    yes: { type: 'boolean' },
    'dry-run': { type: 'boolean' },
    'print-mapping': { type: 'boolean' },
    json: { type: 'boolean' },
    locale: { type: 'string' },
    ...targetOptions,
  },
  arguments: { min: 1, max: 1 },
  async run(input, surroundings) {
    const [path = ''] = input.positionals;
    const [mode, same] = [modeOf(input), sameOf(input)];
    const bytes = await readBytes(path);
    const mapping = await readMapping(input.text('mapping'));
    return withTarget(input, surroundings, async (target) => {
      const order = { bytes, fileName: path === '-' ? undefined : basename(path), mode };
      const first = await target.prepareImport({ ...order, mapping, pairs: {} });
      if (input.flag('print-mapping')) {
        surroundings.say(JSON.stringify(first.report.mapping, null, 2));
        return 0;
      }
      const pairs = decisionsOf(same, first.report);
      const offer =
        same.length === 0 ? first : await target.prepareImport({ ...order, mapping: first.report.mapping, pairs });
      // No date is shown here, so the zone does not matter.
      const texts = loadTexts({ timeZone: 'UTC' }).for(input.text('locale') ?? 'en');
      if (!input.flag('json')) for (const line of importLines(path, offer.report, texts)) surroundings.say(line);
      const answer = input.flag('dry-run') ? 'no' : await answerOf(input, offer.report, surroundings);
      const report = answer === 'yes' ? await offer.write() : offer.report;
      if (input.flag('json')) surroundings.say(JSON.stringify(report));
      else
        surroundings.say(report.applied ? `It is in the draft (revision ${report.revision}).` : 'Nothing was written.');
      if (answer === 'refused') {
        surroundings.complain(
          'Entries would leave the draft, and nobody is there to be asked: say --yes, or --mode merge.',
        );
      }
      return answer === 'refused' ? 1 : 0;
    });
  },
};

/** A script is asked nothing; without --yes it takes nothing out of a draft that somebody made. */
async function answerOf(
  input: Input,
  { diff }: ImportReport,
  { ask }: Surroundings,
): Promise<'yes' | 'no' | 'refused'> {
  if (input.flag('yes')) return 'yes';
  if (ask !== undefined && !input.flag('json') && input.positionals[0] !== '-') {
    return /^y(?:es)?$/i.test((await ask('Take it into the draft? [y/N] ')).trim()) ? 'yes' : 'no';
  }
  return diff?.changes.some(({ kind }) => kind.endsWith('-removed')) ? 'refused' : 'yes';
}

function modeOf({ text }: Input): ImportMode {
  const given = text('mode') ?? 'replace';
  const mode = importModes.find((one) => one === given);
  if (mode === undefined) throw new UsageError('import: --mode is replace (the whole list) or merge (an addition)');
  return mode;
}

function sameOf({ text }: Input): { removed: string; added: string }[] {
  const given = text('same');
  if (given === undefined) return [];
  return given.split(',').map((one) => {
    const [, removed, added] = /^\s*([a-z0-9-]+)=([a-z0-9-]+)\s*$/.exec(one) ?? [];
    if (removed === undefined || added === undefined) {
      throw new UsageError('import: --same names ids, the old and the new one, such as --same redis-labs=redis');
    }
    return { removed, added };
  });
}

function decisionsOf(
  same: readonly { removed: string; added: string }[],
  { suggestions }: ImportReport,
): PairDecisions {
  return Object.fromEntries(
    same.map((pair) => {
      const suggestion = suggestions.find(({ choices }) =>
        choices.some(({ removed, added }) => removed === pair.removed && added === pair.added),
      );
      if (suggestion === undefined) {
        throw new UsageError(`import: ${pair.removed}=${pair.added} is none of the pairs that are suggested`);
      }
      return [suggestion.key, pair];
    }),
  );
}

async function readMapping(path: string | undefined): Promise<Mapping | undefined> {
  if (path === undefined) return undefined;
  const text = (await readBytes(path)).toString('utf8');
  const found = mappingSchema.safeParse(jsonOf(text));
  if (found.success) return found.data;
  const [issue] = found.error.issues;
  const place = issue?.path.length ? `${issue.path.join('.')}: ` : '';
  throw new OperatorError(`${path}: ${place}is no mapping; --print-mapping writes one`);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function readBytes(path: string): Promise<Buffer> {
  try {
    if (path !== '-') return await readFile(path);
    const parts: Buffer[] = [];
    for await (const part of process.stdin) parts.push(Buffer.from(part));
    return Buffer.concat(parts);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    throw new OperatorError(`${path}: cannot be read (${code})`);
  }
}
