import type { FastifyPluginAsync } from 'fastify';
import type { AppDeps } from '../../app.js';
import { readBounceMailbox } from '../../bounces/mailbox-state.js';
import { readRelay, tryRelayNow } from '../../deliveries/relay.js';
import { readHold, release } from '../../holds/hold.js';
import { consoleOf } from './console.js';

/** What stops all mail at once, and the two buttons against it. */
export function sendingRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (app) => {
    app.post('/admin/relay', { config: { permission: 'publisher' } }, async (request, reply) => {
      await tryRelayNow(deps);
      return consoleOf(deps, request, reply).redirect('/admin?done=retried');
    });

    app.post('/admin/release', { config: { permission: 'publisher' } }, async (request, reply) => {
      const console = consoleOf(deps, request, reply);
      await release(deps, console.actor);
      return console.redirect('/admin?done=released');
    });
  };
}

/**
 * For pages that show sending: the relay while it is down, the bounce mailbox while it cannot be read, and
 * the hold while there is one.
 */
export async function obstaclesOf(deps: Pick<AppDeps, 'db' | 'config'>) {
  const relay = await readRelay(deps);
  const mailbox = deps.config.bounceImapUrl === null ? null : await readBounceMailbox(deps);
  return {
    relay: relay.downSince === null ? null : relay,
    bounceMailbox: mailbox?.downSince ? mailbox : null,
    hold: await readHold(deps.db),
  };
}
