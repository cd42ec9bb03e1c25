import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { operatorActor } from '../actor.js';
import { OperatorError } from '../errors.js';
import { type Mapping, mappingSchema } from '../list/import/mapping.js';
import { choicesOf } from '../list/pairs.js';
import { importReport } from '../routes/api/import-json.js';
import { applyPrepared, type PreparedImport, prepareImport } from '../versions/import.js';
import { type ImportMode, importModes, type PairDecisions } from '../versions/import-plan.js';
import { type Command, type Input, type Surroundings, UsageError } from './command.js';
import { importLines } from './import-lines.js';
import { withDeps } from './open.js';

/** Takes a list as people have it into the draft, as `POST /api/v1/draft/import` does. */
export const importCommand: Command = {
  name: 'import',
  usage:
    'FILE [--mapping FILE] [--mode replace|merge] [--same OLD=NEW,…] [--yes | --dry-run | --print-mapping] [--json] [--locale en]',
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
  },
  arguments: { min: 1, max: 1 },
  async run(input, surroundings) {
    const [path = ''] = input.positionals;
    const [mode, same] = [modeOf(input), sameOf(input)];
    const bytes = await readBytes(path);
    const mapping = await readMapping(input.text('mapping'));
    return withDeps(surroundings, async (deps) => {
      const file = { bytes, hint: { fileName: path === '-' ? undefined : basename(path) } };
      const first = await prepareImport(deps.db, file, { mapping, mode });
      if (input.flag('print-mapping')) {
        surroundings.say(JSON.stringify(first.mapping, null, 2));
        return 0;
      }
      const pairs = decisionsOf(same, first);
      const prepared =
        same.length === 0 ? first : await prepareImport(deps.db, file, { mapping: first.mapping, mode, pairs });
      const texts = deps.texts.for(input.text('locale') ?? 'en');
      if (!input.flag('json')) for (const line of importLines(path, prepared, texts)) surroundings.say(line);
      const answer = input.flag('dry-run') ? 'no' : await answerOf(input, prepared, surroundings);
      const revision = answer === 'yes' ? (await applyPrepared(deps, prepared, {}, operatorActor)).revision : null;
      if (input.flag('json')) surroundings.say(JSON.stringify(importReport(prepared, revision)));
      else surroundings.say(revision === null ? 'Nothing was written.' : `It is in the draft (revision ${revision}).`);
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
  { plan }: PreparedImport,
  { ask }: Surroundings,
): Promise<'yes' | 'no' | 'refused'> {
  if (input.flag('yes')) return 'yes';
  if (ask !== undefined && !input.flag('json') && input.positionals[0] !== '-') {
    return /^y(?:es)?$/i.test((await ask('Take it into the draft? [y/N] ')).trim()) ? 'yes' : 'no';
  }
  return plan.result?.changes.some(({ kind }) => kind.endsWith('-removed')) ? 'refused' : 'yes';
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

function decisionsOf(same: readonly { removed: string; added: string }[], { plan }: PreparedImport): PairDecisions {
  return Object.fromEntries(
    same.map((pair) => {
      const suggestion = plan.pairs.find((one) =>
        choicesOf(one).some(({ removed, added }) => removed === pair.removed && added === pair.added),
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
