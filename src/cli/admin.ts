import { operatorActor } from '../actor.js';
import { linkIdentity } from '../admins/oidc.js';
import { ensureSetupLink } from '../admins/setup.js';
import { OperatorError } from '../errors.js';
import type { Command } from './command.js';
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
      surroundings.complain('There is an admin already; further ones are made by that one.');
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
