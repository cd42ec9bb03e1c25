import { type DestinationStream, type Logger, pino } from 'pino';
import { z } from 'zod';
import type { LogLevel } from './settings.js';

/*
 * The log tells what happened, never to whom: ids, route patterns and codes. Redaction by key does
 * not reach text inside messages, so every finished line is looked at once more before it is written.
 */

/** Anything like an address, with what stands around it up to the next separator. */
const address = /[^\s"'`<>()[\]{}\\,;:=/|]+@[^\s"'`<>()[\]{}\\,;:=/|]+/gu;
/** Links whose last part opens something. */
const link = /\/(confirm|unsubscribe|preferences|manage|objections|setup)\/[\w-]{8,}/g;
const bearer = /\bBearer\s+[\w.~+/-]+=*/gi;
/** API tokens, wherever they turn up. */
const apiToken = /\bsn_[\w-]{20,}/g;

/** A line of the log without addresses, tokens and credentials. */
export function masked(line: string): string {
  return line
    .replace(address, '[address]')
    .replace(link, '/$1/[token]')
    .replace(bearer, 'Bearer [token]')
    .replace(apiToken, '[token]');
}

/**
 * The service's log: JSON, one line an event, time in UTC.
 * @param out where it goes; standard output unless told otherwise
 */
export function createLog(level: LogLevel, out: DestinationStream = process.stdout): Logger {
  return pino(
    {
      level,
      base: { pid: process.pid },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: errorFacts },
    },
    { write: (line: string) => out.write(isTerminal(out) ? forTerminal(masked(line)) : masked(line)) },
  );
}

function isTerminal(out: DestinationStream): boolean {
  return 'isTTY' in out && out.isTTY === true;
}

const Event = z.looseObject({ level: z.string(), time: z.string(), msg: z.string().default('') });

/** The same event for somebody who looks on: `14:05:09 warn the relay … {"code":421}`. */
function forTerminal(line: string): string {
  const { level, time, msg, pid: _, ...facts } = Event.parse(JSON.parse(line));
  const rest = Object.keys(facts).length === 0 ? '' : ` ${JSON.stringify(facts)}`;
  return `${time.slice(11, 19)} ${level} ${msg}${rest}\n`;
}

/**
 * What may be told of an error. Errors of PostgreSQL carry rows (`detail`, `where`), those of the mail
 * library envelopes and the relay's words: none of that is copied.
 */
function errorFacts(error: unknown): object {
  if (!(error instanceof Error)) return { message: String(error) };
  const code =
    'code' in error && (typeof error.code === 'string' || typeof error.code === 'number') ? error.code : undefined;
  return { type: error.name, message: error.message, code, stack: error.stack };
}
