import { setTimeout as pause } from 'node:timers/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Coding, codingsFor, isPackable, onlyIdentity, pack, tagIn } from './codings.js';
import type { Rendered } from './render.js';

/*
 * One public body that is sent any number of times: as it is, and packed once for whoever takes it so. Nothing in it
 * is secret, so its packed length gives nothing away (BREACH). Pages with tokens or for a session do not come this way,
 * and are sent as they are.
 */

/**
 * Browsers and caches ask each time whether it still holds, which a 304 answers from memory. A CDN that knows the
 * header made for it (RFC 9213) may answer by itself for a second, which with the second of an instance is two, and for
 * a day while the service does not answer (RFC 5861). Nothing here is `immutable`, addresses of versions neither: what
 * is said there of a version's state, the other languages and the program itself change.
 */
export const publicCaching = {
  'cache-control': 'public, no-cache',
  'cdn-cache-control': 'max-age=1, stale-if-error=86400',
} as const;

/** When what is published last changed, to the second. */
export interface LastModified {
  at: number;
  text: string;
}

export interface Answer {
  /** What it takes in memory. */
  bytes(): number;
  /** Sends it in the dearest coding that the client takes, or says that the client has it (304). */
  send(
    request: FastifyRequest,
    reply: FastifyReply,
    lastModified: LastModified | null,
  ): FastifyReply | Promise<FastifyReply>;
  /** Packs it before anybody asks. */
  packAll(): Promise<void>;
}

/** One coding of a body. */
interface Form {
  etag: string;
  /** Null until it is packed. */
  body: Buffer | null;
  headers: Record<string, string>;
  /** Those of a 304. */
  validators: Record<string, string>;
}

/** A reader waits so long for a body to be packed; then they get it as it is. What is large takes longer to send, too. */
function patienceMs({ body }: Rendered): number {
  return Math.max(100, body.length / 10_000);
}

export interface AnswerOptions {
  /** The client's `Accept-Language` decided, so that caches must keep it apart by that. */
  byLanguage: boolean;
  /** Who may keep it for how long, where that is not as for pages. */
  caching?: Readonly<Record<string, string>>;
  /** It is sent but once, so that packing must not take long. */
  once?: boolean;
}

/** Sends what is made for one request, such as a part of the list, as what is kept is sent. */
export function sendOnce(
  request: FastifyRequest,
  reply: FastifyReply,
  rendered: Rendered,
  byLanguage: boolean,
): FastifyReply | Promise<FastifyReply> {
  return createAnswer(rendered, { byLanguage, once: true }).send(request, reply, null);
}

export function createAnswer(
  rendered: Rendered,
  { byLanguage, caching = publicCaching, once = false }: AnswerOptions,
): Answer {
  const packable = isPackable(rendered.type, rendered.body.length);
  const vary = [...(packable ? ['Accept-Encoding'] : []), ...(byLanguage ? ['Accept-Language'] : [])].join(', ');
  const forms: Readonly<Record<Coding, Form>> = {
    br: formOf('br', null),
    gzip: formOf('gzip', null),
    identity: formOf('identity', rendered.body),
  };
  const packing = new Map<Coding, { done: Promise<void>; soon: Promise<unknown> }>();

  function formOf(coding: Coding, body: Buffer | null): Form {
    const etag = tagIn(coding, rendered.etag);
    const validators = {
      ...caching,
      etag,
      ...(vary === '' ? {} : { vary }),
      ...(rendered.locale === '' ? {} : { 'content-language': rendered.locale }),
    };
    const headers = {
      ...validators,
      'content-type': rendered.type,
      ...(coding === 'identity' ? {} : { 'content-encoding': coding }),
    };
    return { etag, body, headers, validators };
  }

  function startPacking(coding: 'br' | 'gzip') {
    const begun = packing.get(coding);
    if (begun !== undefined) return begun;
    const done = pack(rendered.body, coding, !once).then(
      (packed) => {
        forms[coding].body = packed;
      },
      // Without the memory for it there is still the body as it is.
      () => undefined,
    );
    const own = { done, soon: Promise.race([done, pause(patienceMs(rendered), undefined, { ref: false })]) };
    packing.set(coding, own);
    return own;
  }

  async function sendLater(reply: FastifyReply, wanted: readonly Coding[], lastModified: LastModified | null) {
    const [dearest] = wanted;
    if (dearest !== undefined && dearest !== 'identity') {
      const { done, soon } = startPacking(dearest);
      await (wanted.includes('identity') ? soon : done);
    }
    return sendForm(reply, forms[wanted.find((coding) => forms[coding].body !== null) ?? 'identity'], lastModified);
  }

  function sendForm(reply: FastifyReply, form: Form, lastModified: LastModified | null): FastifyReply {
    if (lastModified !== null) reply.header('last-modified', lastModified.text);
    return reply.headers(form.headers).send(form.body);
  }

  return {
    bytes: () => Object.values(forms).reduce((sum, { body }) => sum + (body?.length ?? 0), 0),
    async packAll() {
      if (!packable) return;
      for (const coding of ['br', 'gzip'] as const) await startPacking(coding).done;
    },
    send(request, reply, lastModified) {
      const { headers } = request;
      const wanted = packable ? codingsFor(headers['accept-encoding']) : onlyIdentity;
      const [dearest = 'identity'] = wanted;
      // A client that holds it in any coding that it takes has it: the tag of the answer says which.
      const held = heldBy(headers, wanted, forms, lastModified);
      if (held !== undefined) return reply.code(304).headers(forms[held].validators).send();
      if (forms[dearest].body !== null) return sendForm(reply, forms[dearest], lastModified);
      return sendLater(reply, wanted, lastModified);
    },
  };
}

function heldBy(
  headers: FastifyRequest['headers'],
  wanted: readonly Coding[],
  forms: Readonly<Record<Coding, Form>>,
  lastModified: LastModified | null,
): Coding | undefined {
  const tags = headers['if-none-match'];
  if (tags !== undefined) return wanted.find((coding) => isFresh(tags, forms[coding].etag));
  const since = headers['if-modified-since'];
  if (since === undefined || lastModified === null) return undefined;
  // RFC 9110, 13.1.3: what is no date is not heeded.
  return Date.parse(since) >= lastModified.at ? wanted[0] : undefined;
}

/** RFC 9110, 13.1.2: weak comparison with each tag of If-None-Match. */
export function isFresh(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch === etag) return true;
  if (ifNoneMatch.trim() === '*') return true;
  return ifNoneMatch.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag);
}
