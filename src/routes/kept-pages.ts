import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Deps } from '../deps.js';
import { readFingerprint } from '../versions/read.js';
import type { LocaleChoice, Rendered, Renderer } from './render.js';

/*
 * Public pages and feeds are rendered once for each state of the published versions, address and
 * language, and served from memory until that state changes. The database is asked for the state at
 * most once a second; it says so itself when time alone has put a version in force.
 */

export interface KeptPages {
  /**
   * Sends what is kept under the address, or makes and keeps it. `make` may refuse; that is not kept.
   * The address is the path, without query: what a query asks for must be in `key`.
   */
  send(
    request: FastifyRequest,
    reply: FastifyReply,
    key: string,
    make: (choice: LocaleChoice) => Promise<Rendered>,
  ): Promise<FastifyReply>;
  /** Whoever asks from now on gets what is published now: after a write here, or a wake-up from elsewhere. */
  markStale(): void;
}

const freshForMs = 1_000;
/** In all, over every page: some hundred pages of a usual list, or some tens of the largest allowed. */
const mostBytes = 64 * 1024 * 1024;

/** One for the whole app, so that a page and its feed are of one state. */
export function createKeptPages(deps: Pick<Deps, 'db' | 'now' | 'log'> & { pages: Renderer }): KeptPages {
  let pages = new Map<string, Rendered>();
  let bytes = 0;
  let making = new Map<string, Promise<Rendered>>();
  let state: string | null = null;
  let readAt = { monotonic: Number.NEGATIVE_INFINITY, clock: 0 };
  let reading: Promise<void> | null = null;
  let round = 0;

  async function refresh(): Promise<void> {
    const own = round;
    const now = deps.now();
    let found: string;
    try {
      found = await readFingerprint(deps.db, now);
    } catch (err) {
      // While the database is away readers get what was last known; without that the fault is theirs too.
      if (state === null) throw err;
      deps.log.warn({ err }, 'cannot look for newer versions, pages are served from memory');
      found = state;
    }
    // Marked stale meanwhile: what was read may be older than the write.
    if (own !== round) return;
    if (found !== state) {
      state = found;
      pages = new Map();
      making = new Map();
      bytes = 0;
    }
    readAt = { monotonic: performance.now(), clock: now.getTime() };
  }

  async function ensureFresh(): Promise<void> {
    // By both clocks: the monotonic one goes on, the other may be moved by whoever passes it.
    const age = Math.max(performance.now() - readAt.monotonic, Math.abs(deps.now().getTime() - readAt.clock));
    if (age < freshForMs) return;
    if (reading === null) {
      const own = refresh().finally(() => {
        if (reading === own) reading = null;
      });
      reading = own;
    }
    await reading;
  }

  function keep(key: string, rendered: Rendered): void {
    if (rendered.body.length > mostBytes / 4) return;
    pages.set(key, rendered);
    bytes += rendered.body.length;
    for (const [oldest, { body }] of pages) {
      if (bytes <= mostBytes) break;
      pages.delete(oldest);
      bytes -= body.length;
    }
  }

  async function find(key: string, make: () => Promise<Rendered>): Promise<Rendered> {
    const kept = pages.get(key);
    if (kept !== undefined) return kept;
    const others = making.get(key);
    if (others !== undefined) return others;
    // Kept only where it was begun: a publication in between has emptied both maps.
    const [ownMaking, ownState] = [making, state];
    const own = make();
    ownMaking.set(key, own);
    try {
      const rendered = await own;
      if (ownState === state && ownMaking === making) keep(key, rendered);
      return rendered;
    } finally {
      ownMaking.delete(key);
    }
  }

  return {
    markStale() {
      round += 1;
      reading = null;
      readAt = { monotonic: Number.NEGATIVE_INFINITY, clock: 0 };
    },
    async send(request, reply, key, make) {
      const choice = deps.pages.localeChoice(request);
      await ensureFresh();
      const rendered = await find(`${key} ${choice.locale} ${choice.chosen}`, () => make(choice));
      return deps.pages.sendRendered(reply, rendered, { cache: 'revalidate' });
    },
  };
}
