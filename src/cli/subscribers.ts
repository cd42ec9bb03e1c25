import { createReadStream } from 'node:fs';
import { OperatorError } from '../errors.js';
import type { Command } from './command.js';
import { targetOptions, targetUsage, withTarget } from './target.js';

/** The same file and rules as `POST /api/v1/subscribers/import`. */
export const subscribersImportCommand: Command = {
  name: 'subscribers import',
  usage: `FILE [--json] ${targetUsage}`,
  summary: 'Takes subscribers from a CSV file; who has left or is suppressed is skipped, never revived.',
  options: { json: { type: 'boolean' }, ...targetOptions },
  arguments: { min: 1, max: 1 },
  async run(input, surroundings) {
    const {
      positionals: [path = ''],
      flag,
    } = input;
    const result = await withTarget(input, surroundings, async (target) =>
      target.importSubscribers(await openFile(path)),
    );
    if (flag('json')) surroundings.say(JSON.stringify(result));
    else {
      surroundings.say(`${result.imported} imported, ${result.updated} updated, ${result.skipped} skipped.`);
      for (const { line, message } of result.errors) surroundings.complain(`${path}:${line}: ${message}`);
    }
    return 0;
  },
};

export const subscribersExportCommand: Command = {
  name: 'subscribers export',
  usage: targetUsage,
  summary: 'Writes all subscribers as CSV, in the columns that the import reads, to standard output.',
  options: targetOptions,
  arguments: { min: 0, max: 0 },
  async run(input, surroundings) {
    await withTarget(input, surroundings, async (target) => {
      let begun = '';
      for await (const part of target.exportSubscribers()) {
        const lines = (begun + part).split('\n');
        begun = lines.pop() ?? '';
        for (const line of lines) surroundings.say(line);
      }
      if (begun !== '') surroundings.say(begun);
    });
    return 0;
  },
};

/** Opened before anything else happens, so that a name that is wrong is said at once. */
async function openFile(path: string) {
  const stream = createReadStream(path);
  await new Promise<void>((resolve, reject) => {
    stream.once('open', () => resolve());
    stream.once('error', (error: NodeJS.ErrnoException) => {
      reject(new OperatorError(`${path}: cannot be read (${error.code ?? 'unreadable'}); name a CSV file`));
    });
  });
  return stream;
}
