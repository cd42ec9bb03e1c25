import { operatorActor, roles } from '../actor.js';
import { createApiToken, listApiTokens, revokeApiToken } from '../admins/api-tokens.js';
import { columns } from './columns.js';
import { type Command, UsageError } from './command.js';
import { withDeps } from './open.js';

const day = 24 * 60 * 60 * 1_000;

export const tokenCreateCommand: Command = {
  name: 'token create',
  usage: `--name NAME --role ${roles.join('|')} [--expires DAYS] [--json]`,
  summary: 'Makes an API token and shows its secret, once.',
  options: {
    name: { type: 'string' },
    role: { type: 'string' },
    expires: { type: 'string' },
    json: { type: 'boolean' },
  },
  arguments: { min: 0, max: 0 },
  async run({ text, flag }, surroundings) {
    const name = text('name');
    const role = roles.find((known) => known === text('role'));
    const days = text('expires');
    if (name === undefined) throw new UsageError('token create needs --name');
    if (role === undefined) throw new UsageError(`token create needs --role, one of ${roles.join(', ')}`);
    if (days !== undefined && !/^[1-9]\d{0,3}$/.test(days)) {
      throw new UsageError('token create: --expires is a number of days, such as 90');
    }
    const token = await withDeps(surroundings, (deps) => {
      const expiresAt = days === undefined ? null : new Date(deps.now().getTime() + Number(days) * day);
      return createApiToken(deps, { name, role, expiresAt }, operatorActor);
    });
    surroundings.say(flag('json') ? JSON.stringify(token) : token.secret);
    return 0;
  },
};

export const tokenListCommand: Command = {
  name: 'token list',
  usage: '[--json]',
  summary: 'Lists the API tokens, without their secrets.',
  options: { json: { type: 'boolean' } },
  arguments: { min: 0, max: 0 },
  async run({ flag }, surroundings) {
    const tokens = await withDeps(surroundings, ({ db }) => listApiTokens(db));
    if (flag('json')) {
      surroundings.say(JSON.stringify(tokens));
      return 0;
    }
    const at = (time: Date | null) => time?.toISOString().slice(0, 10) ?? '-';
    const rows = [
      ['ID', 'NAME', 'ROLE', 'CREATED', 'EXPIRES', 'LAST USED', 'REVOKED'],
      ...tokens.map(({ id, name, role, createdAt, expiresAt, lastUsedAt, revokedAt }) => [
        String(id),
        name,
        role,
        at(createdAt),
        at(expiresAt),
        at(lastUsedAt),
        at(revokedAt),
      ]),
    ];
    for (const line of columns(rows)) surroundings.say(line);
    return 0;
  },
};

export const tokenRevokeCommand: Command = {
  name: 'token revoke',
  usage: 'ID',
  summary: 'Ends an API token at once, on every instance.',
  options: {},
  arguments: { min: 1, max: 1 },
  async run({ positionals: [id = ''] }, surroundings) {
    if (!/^\d{1,15}$/.test(id)) throw new UsageError('token revoke needs the ID that token list shows');
    await withDeps(surroundings, (deps) => revokeApiToken(deps, Number(id), operatorActor));
    surroundings.say(`API token ${id} is revoked.`);
    return 0;
  },
};
