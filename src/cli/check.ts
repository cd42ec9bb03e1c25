import { checkDeliverability, hasFault } from '../deliverability/check.js';
import { createOutside } from '../deliverability/outside.js';
import { wordsOf } from '../deliverability/words.js';
import type { Command } from './command.js';
import { withDeps } from './open.js';

/** Whether notices arrive and can be answered; for the one click the service has to be running. */
export const checkCommand: Command = {
  name: 'check',
  usage: '[--json]',
  summary: 'Looks up SPF, DKIM and DMARC, tries the one-click address, and says what is missing; 1 on a fault.',
  options: { json: { type: 'boolean' } },
  arguments: { min: 0, max: 0 },
  async run({ flag }, surroundings) {
    return withDeps(surroundings, async (deps) => {
      const findings = await checkDeliverability(deps, createOutside());
      const texts = deps.texts.for(deps.texts.default);
      const told = findings.map((finding) => ({ ...finding, ...wordsOf(finding, texts) }));
      if (flag('json')) surroundings.say(JSON.stringify(told));
      else {
        for (const { state, check, says, todo } of told) {
          surroundings.say(`${state.padEnd(8)} ${check.padEnd(12)} ${says}`);
          if (todo !== null && state !== 'ok') surroundings.say(`${' '.repeat(22)}→ ${todo}`);
        }
      }
      return hasFault(findings) ? 1 : 0;
    });
  },
};
