import { type AccountItem, describe, namesOf } from '../list/describe.js';
import { diffLists } from '../list/diff.js';
import { loadTexts } from '../texts.js';
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
    say(account.summary);
    for (const group of account.groups) {
      say('');
      say(group.heading);
      for (const line of group.items.flatMap(itemLines)) say(`  ${line}`);
    }
    return 0;
  },
};

function itemLines(item: AccountItem): string[] {
  const facts = item.facts.map(({ label, values }) => `  ${label}: ${values.join('; ')}`);
  const differences = item.differences.map(({ label, before, after, added, removed }) => {
    const parts = [...added.map((value) => `+ ${value}`), ...removed.map((value) => `- ${value}`)];
    const values = `${before?.join('; ') ?? '–'} → ${after?.join('; ') ?? '–'}`;
    return `  ${label}: ${parts.length > 0 ? parts.join('; ') : values}`;
  });
  return [`${item.label}: ${item.heading}`, ...facts, ...differences];
}
