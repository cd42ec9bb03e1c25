import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { parse } from 'yaml';
import { z } from 'zod';
import { listYaml, newVendor } from '../pages/support.js';
import { hasTool } from '../support/tools.js';
import { openService } from './support.js';

/*
 * The examples for pipelines, run by the shell as a runner does, against a running service. Only `npx` is not
 * npm's: it hands its words to the command line inside this process, which saves a second for each.
 */

t.setTimeout(170_000);

type Service = Awaited<ReturnType<typeof openService>>;

const npx = `#!/usr/bin/env bash
exec 3<>"/dev/tcp/127.0.0.1/$SHELL_PORT"
printf '%s\\n' "$#" "$SUBNOTICE_URL" "$SUBNOTICE_TOKEN" "$SUBNOTICE_TOKEN_FILE" "$@" >&3
IFS= read -r code <&3
cat <&3
exit "$code"
`;

async function openRunner(t: Test, service: Service) {
  const { folder } = service;
  const shell = createServer((socket) => void answer(socket, service));
  shell.listen(0, '127.0.0.1');
  await once(shell, 'listening');
  t.teardown(() => shell.close());
  const { port } = z.object({ port: z.number() }).parse(shell.address());
  writeFileSync(`${folder}/npx`, npx);
  chmodSync(`${folder}/npx`, 0o755);
  return async (script: string, env: Readonly<Record<string, string>>) => {
    const child = spawn('bash', ['-eo', 'pipefail', '-c', script], {
      cwd: folder,
      env: { PATH: `${folder}:/usr/local/bin:/usr/bin:/bin`, SHELL_PORT: String(port), ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      said += part;
    });
    const [code] = z.tuple([z.number().nullable(), z.unknown()]).parse(await once(child, 'close'));
    return { code, said };
  };
}

async function answer(socket: Socket, { with: withEnv, folder }: Service): Promise<void> {
  let text = '';
  for await (const part of socket.setEncoding('utf8')) {
    text += String(part);
    const [count, url = '', token = '', file = '', ...words] = text.split('\n');
    if (words.length <= Number(count)) continue;
    const [program, ...rest] = words.slice(0, Number(count));
    if (program !== 'subnotice') throw new Error(`npx ${program} is not what the examples run`);
    const env = Object.fromEntries(
      Object.entries({ SUBNOTICE_URL: url, SUBNOTICE_TOKEN: token, SUBNOTICE_TOKEN_FILE: file }).filter(
        ([, value]) => value !== '',
      ),
    );
    const { code, said } = await withEnv(
      env,
      ...rest.map((word) => (word === 'sub-processors.yaml' ? `${folder}/${word}` : word)),
    );
    socket.end(`${code}\n${said}\n`);
    return;
  }
}

function example(name: string): unknown {
  return parse(readFileSync(new URL(`../../docs/examples/${name}`, import.meta.url), 'utf8'));
}

/** A list is proposed, merged, and started again; then one with a fault is proposed. */
async function story(
  t: Test,
  { write }: Service,
  jobs: Record<'check' | 'publish', () => Promise<{ code: number | null; said: string }>>,
) {
  write(listYaml(), 'sub-processors.yaml');
  t.match(await jobs.check(), { code: 0, said: /Version 1, / });
  t.match(await jobs.publish(), { code: 0, said: /"version":1,"state":"in-force"/ });
  write(listYaml(newVendor), 'sub-processors.yaml');
  t.match(await jobs.check(), { code: 0, said: /Version 2, material change/ });
  t.match(await jobs.publish(), { code: 0, said: /"version":2,"state":"announced"/ });
  const again = await jobs.publish();
  t.match(again, { code: 0, said: /Nothing changes/ });
  t.notMatch(again.said, '"version"', 'nothing is published twice');
  write('title: Sub-processors\ncountry: 3\n', 'sub-processors.yaml');
  t.not((await jobs.check()).code, 0);
  t.equal((await jobs.publish()).code, 1);
}

t.test('the example for GitHub Actions checks and publishes', async (t) => {
  if (!(await hasTool(t, 'bash', ['--version'], 'bash'))) return;
  const service = await openService(t);
  const run = await openRunner(t, service);
  const env = z.record(z.string(), z.string()).optional();
  const { jobs } = z
    .object({
      jobs: z.record(z.string(), z.object({ env, steps: z.array(z.object({ run: z.string().optional(), env })) })),
    })
    .parse(example('github-actions.yml'));
  const values: Readonly<Record<string, string>> = {
    'vars.SUBNOTICE_URL': service.url,
    'secrets.SUBNOTICE_VIEWER_TOKEN': service.tokenOf('viewer'),
    'secrets.SUBNOTICE_PUBLISHER_TOKEN': service.tokenOf('publisher'),
  };
  const job = (name: string) => async () => {
    let said = '';
    for (const step of jobs[name]?.steps ?? []) {
      if (step.run === undefined) continue;
      const given = Object.entries({ ...jobs[name]?.env, ...step.env }).map(([key, text]) => [
        key,
        text.replace(/\$\{\{ (\S+) \}\}/g, (_, expression: string) => values[expression] ?? 'unknown'),
      ]);
      const done = await run(step.run, {
        ...Object.fromEntries(given),
        GITHUB_STEP_SUMMARY: `${service.folder}/summary.md`,
        GITHUB_SHA: 'f00',
      });
      said += done.said;
      if (done.code !== 0) return { code: done.code, said };
    }
    return { code: 0, said };
  };
  await story(t, service, { check: job('check'), publish: job('publish') });
  t.match(readFileSync(`${service.folder}/summary.md`, 'utf8'), /^```\nVersion 1, /);
  t.match(await job('check')(), { said: /^::error file=/ });
});

t.test('the example for GitLab checks and publishes', async (t) => {
  if (!(await hasTool(t, 'bash', ['--version'], 'bash'))) return;
  const service = await openService(t);
  const run = await openRunner(t, service);
  const script = z.object({ script: z.array(z.string()) });
  const jobs = z.object({ check: script, publish: script }).parse(example('gitlab-ci.yml'));
  const job = (name: 'check' | 'publish') => () =>
    run(jobs[name].script.join('\n'), {
      SUBNOTICE_URL: service.url,
      SUBNOTICE_TOKEN_FILE: service.write(service.tokenOf(name === 'check' ? 'viewer' : 'publisher'), 'token'),
      CI_COMMIT_SHA: 'f00',
    });
  await story(t, service, { check: job('check'), publish: job('publish') });
  t.match(JSON.parse(readFileSync(`${service.folder}/gl-code-quality-report.json`, 'utf8')), [
    { location: { path: /sub-processors\.yaml$/, lines: { begin: 1 } } },
  ]);
});
