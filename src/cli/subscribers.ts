import { createReadStream } from 'node:fs';
import { operatorActor } from '../actor.js';
import { OperatorError } from '../errors.js';
import { knownServicesOf } from '../routes/pages/subscription-form.js';
import { exportSubscribers } from '../subscribers/export.js';
import { importSubscribers } from '../subscribers/import.js';
import type { Command } from './command.js';
import { withDeps } from './open.js';

/** The same file and rules as `POST /api/v1/subscribers/import`. */
export const subscribersImportCommand: Command = {
  name: 'subscribers import',
  usage: 'FILE [--json]',
  summary: 'Takes subscribers from a CSV file; who has left or is suppressed is skipped, never revived.',
  options: { json: { type: 'boolean' } },
  arguments: { min: 1, max: 1 },
  async run({ positionals: [path = ''], flag }, surroundings) {
    const result = await withDeps(surroundings, async (deps) => {
      const knownServices = await knownServicesOf(deps);
      return importSubscribers(deps, await openFile(path), operatorActor, { knownServices });
    });
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
  usage: '',
  summary: 'Writes all subscribers as CSV, in the columns that the import reads, to standard output.',
  options: {},
  arguments: { min: 0, max: 0 },
  async run(_input, surroundings) {
    await withDeps(surroundings, async (deps) => {
      for await (const part of exportSubscribers(deps, operatorActor)) surroundings.say(part.replace(/\r\n$/, ''));
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
