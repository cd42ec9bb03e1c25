import { startEmbedded } from '../../src/database/embedded.js';

/*
 * A program for tests of the embedded database: holds the one of `argv[2]` as the service does, says
 * its URL, and lets go when its input ends. `argv[3]`: `command` to be a command beside the service.
 */
const [, , dataDir = '', role = 'service'] = process.argv;
try {
  const database = await startEmbedded({ dataDir, service: role === 'service' });
  process.stdout.write(`${database.url}\n`);
  for await (const _ of process.stdin);
  await database.close();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
