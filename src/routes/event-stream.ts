import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Refusal } from '../errors.js';
import type { Progress } from '../notices/progress.js';
import type { ProgressFeed } from '../notices/progress-feed.js';

/*
 * Server-sent events (HTML Living Standard, 9.2): progress for who watches it, in the API and the console.
 */

/** So that no proxy takes a quiet stream for a dead one. */
const heartbeatMs = 15_000;
/** Then the client connects anew, and whether it may is looked at again. */
const longestStreamMs = 15 * 60_000;
/** A client that takes nothing for so long that this much waits is gone. */
const mostWaiting = 256 * 1024;

/** Whether a request asks for events; a HEAD is never left open. */
export function wantsEvents({ method, headers }: FastifyRequest): boolean {
  return method === 'GET' && /\btext\/event-stream\b/i.test(headers.accept ?? '');
}

/**
 * Sends an event `progress` for each change of a version's notices, and `complete` at the end.
 * @param dataOf what an event holds, for whoever reads it
 * @throws Refusal `rate.exceeded` when this instance has too many watchers
 */
export function sendProgress(
  reply: FastifyReply,
  feed: ProgressFeed,
  version: number,
  dataOf: (progress: Progress) => string,
): FastifyReply {
  const stream = new Readable({ read: () => undefined });
  const write = (text: string) => {
    if (stream.destroyed || stream.readableEnded) return;
    if (stream.readableLength > mostWaiting) stream.destroy();
    else stream.push(text);
  };
  const stop = feed.watch(version, {
    progress: (progress) => write(eventText('progress', dataOf(progress))),
    end(complete) {
      // An event without data is none to a browser.
      if (complete) write(eventText('complete', JSON.stringify({ version })));
      finish();
    },
  });
  if (stop === null) {
    throw new Refusal('rate.exceeded', 'Too many watch the progress of a notice at this moment.', [], 30);
  }
  const heartbeat = setInterval(() => write(':\n\n'), heartbeatMs).unref();
  const ending = setTimeout(finish, longestStreamMs).unref();
  stream.once('close', release);
  write('retry: 3000\n\n');
  return reply
    .headers({
      'cache-control': 'no-store, no-transform',
      // Nginx would keep events until its buffer is full.
      'x-accel-buffering': 'no',
      // The socket ends with the stream, so that nothing idle is waited for when the service stops.
      connection: 'close',
    })
    .type('text/event-stream; charset=utf-8')
    .send(stream);

  function finish(): void {
    release();
    if (!stream.destroyed && !stream.readableEnded) stream.push(null);
  }

  function release(): void {
    stop?.();
    clearInterval(heartbeat);
    clearTimeout(ending);
  }
}

function eventText(name: string, data: string): string {
  const lines = data.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`);
  return `event: ${name}\n${lines.join('')}\n`;
}
