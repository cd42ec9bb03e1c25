import { ensureSetupLink } from '../admins/setup.js';
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
