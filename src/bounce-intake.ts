import { mostMails, pollBounces } from './bounces/imap.js';
import { startBounceListener } from './bounces/listener.js';
import type { Deps } from './deps.js';
import { startLoop } from './loop.js';

/** How often the bounce mailbox is looked into, in milliseconds. */
const everyMs = 60_000;

/**
 * Starts what takes bounces as mail: the mailbox of BOUNCE_IMAP_URL, looked into every minute, and the
 * listener of BOUNCE_LISTEN; neither where it is not set. Closing answers the mails in hand.
 * @throws OperatorError when the listener cannot have its port
 */
export async function startBounceIntake(deps: Deps): Promise<{ close(): Promise<void> }> {
  const { bounceListen, bounceImapUrl } = deps.config;
  const listener = bounceListen === null ? null : await startBounceListener(deps, bounceListen);
  const ending = new AbortController();
  let isFirst = true;
  const look = async () => {
    // A setting may have been mended since the last process: its first look does not wait.
    const count = await pollBounces({ ...deps, signal: ending.signal, atOnce: isFirst });
    isFirst = false;
    // Another step at once only where mails were left for it, so that one that cannot be marked does not
    // keep the loop going.
    return count >= mostMails ? count : 0;
  };
  const loop = bounceImapUrl === null ? null : startLoop({ name: 'bounces', step: look, everyMs, log: deps.log });
  return {
    async close() {
      ending.abort();
      await Promise.all([listener?.close(), loop?.close()]);
    },
  };
}
