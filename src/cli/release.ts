import { operatorActor } from '../actor.js';
import { release } from '../holds/hold.js';
import type { Command } from './command.js';
import { withDeps } from './open.js';

/** Lets go what was held at a start: after a long stop, or on a restored copy of the database. */
export const releaseCommand: Command = {
  name: 'release',
  usage: '[--json]',
  summary: 'Sends what is held since a long stop or a restore of the database.',
  options: { json: { type: 'boolean' } },
  arguments: { min: 0, max: 0 },
  async run({ flag }, surroundings) {
    const hold = await withDeps(surroundings, (deps) => release(deps, operatorActor));
    if (flag('json')) surroundings.say(JSON.stringify({ released: hold }));
    else if (hold === null) surroundings.say('Nothing is held.');
    else {
      const waiting = Object.entries(hold.waiting).map(([what, count]) => `${count} ${what}`);
      surroundings.say(`Released, held since ${hold.since.toISOString()}: ${waiting.join(', ')}.`);
    }
    return 0;
  },
};
