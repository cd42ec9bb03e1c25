import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Deps } from '../deps.js';
import { readBoardState } from '../versions/read.js';
import { type Answer, createAnswer, type LastModified } from './answer.js';
import type { LocaleChoice, Rendered, Renderer } from './render.js';

/*
 * Public pages and feeds are rendered once for each state of the published versions, address and
 * language, and served from memory until that state changes. The database is asked for the state at
 * most once a second; it says so itself when time alone has put a version in force. A publication wakes
 * every instance (database/wake.ts), so that mostly nobody waits for that second. Of data for programs an
 * instance that hears no such call asks each time.
 */

type Make = (choice: LocaleChoice) => Promise<Rendered>;
type Sent = FastifyReply | Promise<FastifyReply>;

export interface KeptPages {
  /**
   * Sends what is kept under the address, or makes and keeps it. `make` may refuse; that is not kept.
   * The address is the path, without query: what a query asks for must be in `key`. Pages, PDF, pictures: whatever
   * the type, text is packed once (codings.ts), and the rest sent as it is.
   */
  send(request: FastifyRequest, reply: FastifyReply, key: string, make: Make): Sent;
  /** The same of what is one in every language, such as data for programs; its `locale` is ''. */
  sendNeutral(request: FastifyRequest, reply: FastifyReply, key: string, make: () => Promise<Rendered>): Sent;
  /** From now on makes this page as soon as a change is seen, in the languages that it was asked for in before. */
  prepare(key: string, make: Make): void;
  /** Whoever asks from now on gets what is published now: after a write here. */
  markStale(): void;
  /** The same at the start and after a wake-up: looks at once, and is done when what is made ahead is there. */
  renew(): Promise<void>;
  /** Whether wake-ups are heard here. */
  setInTouch(heard: boolean): void;
}

interface What {
  key: string;
  choice: LocaleChoice;
  make: Make;
  /** How long ago the state may have been asked for. */
  limitMs: number;
}

interface Kept {
  answer: Answer;
  choice: LocaleChoice;
  /** How often it was sent. */
  sent: number;
  /** When it was last sent, as a running number. */
  last: number;
}

const freshForMs = 1_000;
/** A reader waits so long for the database to say whether there is something newer, once something is known. */
const patienceMs = 500;
/** How often a reader asks again, while others publish and publish. */
const mostTries = 5;
/** In all, over every page: the largest list in eight languages, or thousands of pages of a usual one. */
const mostBytes = 128 * 1024 * 1024;
/** So many languages of a page are made before somebody asks. */
const mostAhead = 8;
const neutral: LocaleChoice = { locale: '', chosen: true };

/** One for the whole app, so that a page, its feed and its data are of one state. */
export function createKeptPages(deps: Pick<Deps, 'db' | 'now' | 'log' | 'texts'> & { pages: Renderer }): KeptPages {
  const startedAt = deps.now();
  const prepared = new Map<string, Make>();
  let pages = new Map<string, Kept>();
  let making = new Map<string, Promise<Kept>>();
  let state: string | null = null;
  let lastModified: LastModified | null = null;
  let readAt = { monotonic: Number.NEGATIVE_INFINITY, clock: 0 };
  let reading: { done: Promise<void>; soon: Promise<unknown> } | null = null;
  let round = 0;
  let inTouch = false;
  let ahead: Promise<void> | null = null;
  let uses = 0;

  async function refresh(): Promise<void> {
    const own = round;
    const now = deps.now();
    let found: string;
    let changedAt = 0;
    try {
      const board = await readBoardState(deps.db, now);
      found = board.fingerprint;
      changedAt = Math.max(board.changedAt?.getTime() ?? 0, startedAt.getTime());
    } catch (err) {
      // While the database is away readers get what was last known; without that the fault is theirs too.
      if (state === null) throw err;
      deps.log.warn({ err }, 'cannot look for newer versions, pages are served from memory');
      found = state;
    }
    // Marked stale meanwhile: what was read may be older than the write.
    if (own !== round) return;
    const before = pages;
    if (found !== state) {
      state = found;
      pages = new Map();
      making = new Map();
      lastModified = null;
      ahead = makeAhead(before);
    }
    // A second that is not over may bring another change, and the two could not be told apart.
    if (changedAt > 0 && now.getTime() - changedAt >= 1_000) lastModified = lastModifiedOf(changedAt);
    readAt = { monotonic: performance.now(), clock: now.getTime() };
  }

  function isFresh(limitMs: number): boolean {
    // By both clocks: the monotonic one goes on, the other may be moved by whoever passes it.
    const age = Math.max(performance.now() - readAt.monotonic, Math.abs(deps.now().getTime() - readAt.clock));
    return age < limitMs;
  }

  async function ensureFresh(limitMs: number): Promise<void> {
    // Marked stale while the database was asked, what it answered counts for nothing: a reader asks again.
    for (let tries = 0; tries < mostTries; tries += 1) {
      const own = round;
      if (limitMs === 0) await refresh();
      else if (isFresh(limitMs)) return;
      else await ask();
      if (own === round) return;
    }
  }

  async function ask(): Promise<void> {
    // Whoever has just written waits for the answer; a database that hangs must not keep readers from what is known.
    const isMarked = readAt.monotonic === Number.NEGATIVE_INFINITY;
    if (reading === null) {
      const done = refresh().finally(() => {
        if (reading?.done === done) reading = null;
      });
      const soon = Promise.race([done, pause(patienceMs, undefined, { ref: false })]);
      // Whoever waits is told; where nobody does, nobody needs to be.
      soon.catch(() => undefined);
      reading = { done, soon };
    }
    await (isMarked ? reading.done : reading.soon);
  }

  function keep(key: string, kept: Kept): void {
    if (kept.answer.bytes() > mostBytes / 4) return;
    pages.set(key, kept);
    let bytes = 0;
    for (const { answer } of pages.values()) bytes += answer.bytes();
    if (bytes <= mostBytes) return;
    for (const [oldest, { answer }] of [...pages].sort(([, a], [, b]) => a.last - b.last)) {
      if (bytes <= mostBytes) break;
      pages.delete(oldest);
      bytes -= answer.bytes();
    }
  }

  async function find(key: string, choice: LocaleChoice, make: Make): Promise<Kept> {
    const known = pages.get(key);
    if (known !== undefined) return known;
    const others = making.get(key);
    if (others !== undefined) return others;
    // Kept only where it was begun: a publication in between has emptied both maps.
    const [ownMaking, ownState] = [making, state];
    const own = make(choice).then((rendered): Kept => {
      uses += 1;
      return { answer: createAnswer(rendered, { byLanguage: !choice.chosen }), choice, sent: 0, last: uses };
    });
    ownMaking.set(key, own);
    try {
      const made = await own;
      if (ownState === state && ownMaking === making) keep(key, made);
      return made;
    } finally {
      ownMaking.delete(key);
    }
  }

  /** One after the other, so that whoever asks for something else meanwhile gets their turn. */
  async function makeAhead(before: ReadonlyMap<string, Kept>): Promise<void> {
    const own = state;
    for (const [key, make] of prepared) {
      const asked = [...before].filter(([known, { sent }]) => sent > 0 && known.startsWith(`${key} `));
      const choices = asked.sort(([, a], [, b]) => b.sent - a.sent).map(([, { choice }]) => choice);
      if (choices.length === 0) choices.push({ locale: deps.texts.default, chosen: false });
      for (const choice of choices.slice(0, mostAhead)) {
        await turn();
        if (state !== own) return;
        try {
          const { answer } = await find(keyOf(key, choice), choice, make);
          await answer.packAll();
        } catch (err) {
          // The reader who asks for it will be told; until then it is nobody's fault.
          deps.log.debug({ err }, 'a page could not be made ahead');
        }
      }
    }
  }

  function sendKept(request: FastifyRequest, reply: FastifyReply, kept: Kept): Sent {
    uses += 1;
    kept.sent += 1;
    kept.last = uses;
    return kept.answer.send(request, reply, lastModified);
  }

  async function findAndSend(request: FastifyRequest, reply: FastifyReply, what: What): Promise<FastifyReply> {
    await ensureFresh(what.limitMs);
    return sendKept(request, reply, await find(what.key, what.choice, what.make));
  }

  function send(request: FastifyRequest, reply: FastifyReply, what: What): Sent {
    // Most requests by far, and without a promise.
    const kept = isFresh(what.limitMs) ? pages.get(what.key) : undefined;
    return kept === undefined ? findAndSend(request, reply, what) : sendKept(request, reply, kept);
  }

  return {
    markStale,
    async renew() {
      markStale();
      try {
        await ensureFresh(freshForMs);
        await ahead;
      } catch (err) {
        deps.log.debug({ err }, 'cannot look for newer versions');
      }
    },
    setInTouch(heard) {
      inTouch = heard;
    },
    prepare: (key, make) => void prepared.set(key, make),
    send(request, reply, key, make) {
      const choice = deps.pages.localeChoice(request);
      return send(request, reply, { key: keyOf(key, choice), choice, make, limitMs: freshForMs });
    },
    sendNeutral: (request, reply, key, make) =>
      send(request, reply, { key, choice: neutral, make, limitMs: inTouch ? freshForMs : 0 }),
  };

  function markStale(): void {
    round += 1;
    reading = null;
    readAt = { monotonic: Number.NEGATIVE_INFINITY, clock: 0 };
  }
}

function keyOf(key: string, { locale, chosen }: LocaleChoice): string {
  return `${key} ${locale} ${chosen}`;
}

function lastModifiedOf(at: number): LastModified {
  const second = Math.floor(at / 1_000) * 1_000;
  return { at: second, text: new Date(second).toUTCString() };
}
