import { type Fault, Refusal } from '../errors.js';
import type { ListDocument } from '../list/document.js';
import { githubAnnotations, gitlabReport } from './annotations.js';
import { type Command, type Surroundings, UsageError } from './command.js';
import { faultLines, readListFile } from './file.js';

const formats = ['text', 'json', 'github', 'gitlab'] as const;
type Format = (typeof formats)[number];

/** Checks a list document as the API would when it is put as the draft. */
export const validateCommand: Command = {
  name: 'validate',
  usage: `FILE [--format ${formats.join('|')}] [--json]`,
  summary: 'Checks a list document (YAML or JSON) and names each fault with its line.',
  options: { json: { type: 'boolean' }, format: { type: 'string' } },
  arguments: { min: 1, max: 1 },
  async run({ positionals: [path = ''], flag, text }, surroundings) {
    const wanted = text('format') ?? (flag('json') ? 'json' : 'text');
    const format = formats.find((one) => one === wanted);
    if (format === undefined) throw new UsageError(`validate: --format is one of ${formats.join(', ')}`);
    try {
      tellCounts(path, format, await readListFile(path), surroundings);
      return 0;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      tellFaults(path, format, error, surroundings);
      return 1;
    }
  },
};

function tellCounts(path: string, format: Format, document: ListDocument, { say }: Surroundings): void {
  const counts = {
    subProcessors: document.subProcessors.length,
    dataSubjects: document.dataSubjects.length,
    dataCategories: document.dataSubjects.reduce((sum, { dataCategories }) => sum + (dataCategories?.length ?? 0), 0),
  };
  if (format === 'json') say(JSON.stringify({ valid: true, ...counts, errors: [] }));
  else if (format === 'gitlab') say('[]');
  else {
    say(
      `${path}: valid, ${counts.subProcessors} sub-processors, ${counts.dataSubjects} data subject kinds, ${counts.dataCategories} data categories`,
    );
  }
}

function tellFaults(path: string, format: Format, refusal: Refusal, { say, complain }: Surroundings): void {
  const faults: readonly Fault[] =
    refusal.errors.length > 0 ? refusal.errors : [{ path: '', message: refusal.message }];
  if (format === 'json') say(JSON.stringify({ valid: false, errors: refusal.errors }));
  else {
    // What the machine reads goes to standard output, what people read in the log beside it.
    if (format === 'github') for (const line of githubAnnotations(path, faults)) say(line);
    if (format === 'gitlab') say(JSON.stringify(gitlabReport(path, faults)));
    for (const line of faultLines(path, refusal)) complain(line);
  }
}
