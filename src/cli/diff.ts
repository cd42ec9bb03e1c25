import { describe, namesOf } from '../list/describe.js';
import { diffLists } from '../list/diff.js';
import { loadTexts } from '../texts.js';
import { accountLines } from './account-lines.js';
import type { Command } from './command.js';
import { readListFile } from './file.js';

/** Compares two documents as two versions would be: the same changes, in words or as JSON. */
export const diffCommand: Command = {
  name: 'diff',
  usage: 'OLD NEW [--json] [--locale en]',
  summary: 'Tells what changed between two list documents.',
  options: { json: { type: 'boolean' }, locale: { type: 'string' } },
  arguments: { min: 2, max: 2 },
  async run({ positionals: [oldPath = '', newPath = ''], flag, text }, { say }) {
    const before = await readListFile(oldPath);
    const after = await readListFile(newPath, before);
    const diff = diffLists(before, after);
    if (flag('json')) {
      say(JSON.stringify({ from: oldPath, to: newPath, ...diff }, null, 2));
      return 0;
    }
    // No date is shown here, so the zone does not matter.
    const texts = loadTexts({ timeZone: 'UTC' }).for(text('locale') ?? 'en');
    const account = describe(diff.changes, namesOf(before, after), texts);
    for (const line of accountLines(account)) say(line);
    return 0;
  },
};
