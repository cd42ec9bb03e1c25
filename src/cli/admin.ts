import { operatorActor, roles } from '../actor.js';
import { accountByAddress, disableAccount, enableAccount, listAccounts } from '../admins/accounts.js';
import { invite, listInvitations } from '../admins/invite.js';
import { linkIdentity } from '../admins/oidc.js';
import { resetSecondFactor } from '../admins/second-factor.js';
import { ensureSetupLink } from '../admins/setup.js';
import { OperatorError } from '../errors.js';
import { columns } from './columns.js';
import { type Command, UsageError } from './command.js';
import { withDeps } from './open.js';

export const adminCreateCommand: Command = {
  name: 'admin create',
  usage: '[--json]',
  summary: 'Makes a one-time link by which the first admin is made.',
  options: { json: { type: 'boolean' } },
  arguments: { min: 0, max: 0 },
  async run({ flag }, surroundings) {
    const link = await withDeps(surroundings, ensureSetupLink);
    if (link === null) {
      surroundings.complain(
        'There is an admin already; invite further ones in the console, or by: subnotice admin invite',
      );
      return 1;
    }
    surroundings.say(flag('json') ? JSON.stringify({ link }) : link);
    return 0;
  },
};

export const adminLinkCommand: Command = {
  name: 'admin link',
  usage: 'EMAIL SUBJECT',
  summary:
    'Lets the person of that name (the claim `sub`) at the provider of OIDC_ISSUER into the account of an address.',
  options: {},
  arguments: { min: 2, max: 2 },
  async run({ positionals: [email = '', subject = ''] }, surroundings) {
    await withDeps(surroundings, async (deps) => {
      const { oidc } = deps.config;
      if (oidc === null) throw new OperatorError('OIDC_ISSUER: is missing; set it as for the service');
      await linkIdentity(deps, { email, issuer: oidc.issuer, subject }, operatorActor);
    });
    surroundings.say('Linked.');
    return 0;
  },
};

export const adminListCommand: Command = {
  name: 'admin list',
  usage: '[--json]',
  summary: 'Lists the accounts of the console, and invitations that wait.',
  options: { json: { type: 'boolean' } },
  arguments: { min: 0, max: 0 },
  async run({ flag }, surroundings) {
    const { accounts, invitations } = await withDeps(surroundings, async (deps) => ({
      accounts: await listAccounts(deps.db),
      invitations: await listInvitations(deps),
    }));
    if (flag('json')) {
      surroundings.say(JSON.stringify({ accounts, invitations }));
      return 0;
    }
    const at = (time: Date | null) => time?.toISOString().slice(0, 10) ?? '-';
    const rows = [
      ['EMAIL', 'ROLE', 'STATE', 'SECOND FACTOR', 'LAST SIGN-IN'],
      ...accounts.map(({ email, role, disabledAt, secondFactorSince, lastSignedInAt }) => [
        email,
        role,
        disabledAt === null ? 'active' : 'disabled',
        secondFactorSince === null ? 'no' : 'yes',
        at(lastSignedInAt),
      ]),
      ...invitations.map(({ email, role, expired }) => [email, role, expired ? 'expired' : 'invited', '-', '-']),
    ];
    for (const line of columns(rows)) surroundings.say(line);
    return 0;
  },
};

export const adminInviteCommand: Command = {
  name: 'admin invite',
  usage: `EMAIL --role ${roles.join('|')} [--locale LOCALE]`,
  summary: 'Invites somebody by mail to make an account of the console; the service sends the mail.',
  options: { role: { type: 'string' }, locale: { type: 'string' } },
  arguments: { min: 1, max: 1 },
  async run({ positionals: [email = ''], text }, surroundings) {
    const role = roles.find((known) => known === text('role'));
    if (role === undefined) throw new UsageError(`admin invite needs --role, one of ${roles.join(', ')}`);
    await withDeps(surroundings, (deps) => {
      const { locale } = deps.texts.forConsole(text('locale') ?? deps.texts.default);
      return invite(deps, { email, role, locale }, operatorActor);
    });
    surroundings.say('The invitation is on its way.');
    return 0;
  },
};

export const adminDisableCommand: Command = {
  name: 'admin disable',
  usage: 'EMAIL',
  summary: 'Lets an account sign in no more, and ends its sessions.',
  options: {},
  arguments: { min: 1, max: 1 },
  async run({ positionals: [email = ''] }, surroundings) {
    await withDeps(surroundings, async (deps) => {
      await disableAccount(deps, { id: await accountByAddress(deps.db, email) }, operatorActor);
    });
    surroundings.say('Disabled.');
    return 0;
  },
};

export const adminEnableCommand: Command = {
  name: 'admin enable',
  usage: 'EMAIL',
  summary: 'Lets a disabled account sign in again.',
  options: {},
  arguments: { min: 1, max: 1 },
  async run({ positionals: [email = ''] }, surroundings) {
    await withDeps(surroundings, async (deps) => {
      await enableAccount(deps, { id: await accountByAddress(deps.db, email) }, operatorActor);
    });
    surroundings.say('Enabled.');
    return 0;
  },
};

export const adminResetSecondFactorCommand: Command = {
  name: 'admin reset-second-factor',
  usage: 'EMAIL',
  summary: 'Takes the second factor from an account whose device is lost, and ends its sessions.',
  options: {},
  arguments: { min: 1, max: 1 },
  async run({ positionals: [email = ''] }, surroundings) {
    await withDeps(surroundings, async (deps) => {
      await resetSecondFactor(deps, await accountByAddress(deps.db, email), operatorActor);
    });
    surroundings.say('The second factor is reset.');
    return 0;
  },
};
