import { Refusal } from '../errors.js';
import type { Command } from './command.js';
import { faultLines, readListFile } from './file.js';

/** Checks a list document as the API would when it is put as the draft. */
export const validateCommand: Command = {
  name: 'validate',
  usage: 'FILE [--json]',
  summary: 'Checks a list document (YAML or JSON) and names each fault with its line.',
  options: { json: { type: 'boolean' } },
  arguments: { min: 1, max: 1 },
  async run({ positionals: [path = ''], flag }, { say, complain }) {
    try {
      const document = await readListFile(path);
      const counts = {
        subProcessors: document.subProcessors.length,
        dataSubjects: document.dataSubjects.length,
        dataCategories: document.dataSubjects.reduce(
          (sum, { dataCategories }) => sum + (dataCategories?.length ?? 0),
          0,
        ),
      };
      say(
        flag('json')
          ? JSON.stringify({ valid: true, ...counts, errors: [] })
          : `${path}: valid, ${counts.subProcessors} sub-processors, ${counts.dataSubjects} data subject kinds, ${counts.dataCategories} data categories`,
      );
      return 0;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (flag('json')) say(JSON.stringify({ valid: false, errors: error.errors }));
      else for (const line of faultLines(path, error)) complain(line);
      return 1;
    }
  },
};
