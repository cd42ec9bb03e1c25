import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { AppDeps } from '../../app.js';
import { Refusal } from '../../errors.js';
import { saveMessage } from '../../versions/review.js';
import type { Console } from './console.js';

const form = z.object({ message: z.string().default(''), base: z.string().default('') });
const baseSchema = z.object({ message: z.string() });

/** What somebody sent, by the button or while they write. */
export interface TypedMessage {
  message: string;
  /** What the form began with; undefined: it does not say, so nothing of others is known to be seen. */
  base: string | undefined;
  /** The script asks, and takes the answer as data. */
  json: boolean;
}

export function typedMessage(request: FastifyRequest): TypedMessage {
  const { message, base } = form.parse(request.body);
  const accept = request.headers.accept ?? '';
  return {
    message: message.replace(/\r\n?/g, '\n'),
    base: readBase(base),
    json: /\bapplication\/json\b/.test(accept) && !/\btext\/html\b/.test(accept),
  };
}

function readBase(text: string): string | undefined {
  try {
    return baseSchema.parse(JSON.parse(text)).message;
  } catch {
    return undefined;
  }
}

/** What became of it, in the form that editor.js shows beside fields. */
export interface MessageAnswer {
  faults: { field: string; message: string }[];
  conflicts: { field: string; text: string; value: string }[];
  edit: null;
  base?: string;
}

/** Saves the message; what somebody else wrote meanwhile is never written over unseen. */
export async function messageForm(
  deps: Pick<AppDeps, 'db' | 'now'>,
  { actor, texts }: Console,
  { message, base }: TypedMessage,
): Promise<MessageAnswer> {
  try {
    const result = await saveMessage(deps, message, { base: base ?? '' }, actor);
    if (result.saved) {
      return { faults: [], conflicts: [], edit: null, base: JSON.stringify({ message: result.message ?? '' }) };
    }
    const theirs = result.theirs ?? '';
    const text =
      theirs === '' ? texts.t('review.message.conflictEmpty') : texts.t('review.message.conflict', { theirs });
    return { faults: [], conflicts: [{ field: 'message', text, value: theirs }], edit: null };
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== 'input.invalid') throw error;
    return { faults: [{ field: 'message', message: texts.t('console.faults.message') }], conflicts: [], edit: null };
  }
}
