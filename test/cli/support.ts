import { writeFileSync } from 'node:fs';
import type { Test } from 'tap';
import { operatorActor, type Role, roles } from '../../src/actor.js';
import { createApiToken } from '../../src/admins/api-tokens.js';
import { runCommandLine } from '../../src/cli/run.js';
import { readRemoteConfig } from '../../src/config.js';
import { startApp, type TestAppOptions } from '../support/app.js';
import { createClock } from '../support/clock.js';
import { temporaryFolder } from '../support/process.js';

/** A running service, and a shell that knows its address and has a token for each role, but no database. */
export async function openService(t: Test, { port = 0, ...options }: TestAppOptions & { port?: number } = {}) {
  const app = await startApp(t, { clock: createClock(new Date()), ...options });
  const url = await app.http.listen({ host: '127.0.0.1', port });
  const folder = temporaryFolder(t);
  const write = (text: string, name = 'list.yaml') => {
    writeFileSync(`${folder}/${name}`, text);
    return `${folder}/${name}`;
  };
  const tokens = new Map<Role, string>();
  for (const role of roles) {
    tokens.set(role, (await createApiToken(app.deps, { name: role, role }, operatorActor)).secret);
  }
  const run = async (words: readonly string[], env: Readonly<Record<string, string>> | 'database') => {
    const said: string[] = [];
    const complained: string[] = [];
    const code = await runCommandLine(words, {
      config: () => {
        if (env !== 'database') throw new Error('a remote command has no database');
        return app.deps.config;
      },
      remote: () => readRemoteConfig(env === 'database' ? {} : env),
      say: (line) => void said.push(line),
      complain: (line) => void complained.push(line),
      stay: async () => undefined,
    });
    return { code, said: said.join('\n'), complained: complained.join('\n') };
  };
  return {
    app,
    url,
    folder,
    write,
    tokenOf: (role: Role) => tokens.get(role) ?? '',
    as: (role: Role, ...words: string[]) => run(words, { SUBNOTICE_URL: url, SUBNOTICE_TOKEN: tokens.get(role) ?? '' }),
    with: (env: Readonly<Record<string, string>>, ...words: string[]) => run(words, env),
    here: (...words: string[]) => run(words, 'database'),
  };
}
