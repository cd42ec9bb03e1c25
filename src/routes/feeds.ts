import type { FastifyPluginAsync } from 'fastify';
import { Feed } from 'feed';
import type { AppDeps } from '../app.js';
import { describe } from '../list/describe.js';
import type { ListDocument } from '../list/document.js';
import { namesOf } from '../list/values.js';
import { escapeMarkup } from '../mail/escape.js';
import { baseOf, readVersion, readVersions } from '../versions/read.js';
import type { PublishedVersion, VersionSummary } from '../versions/version.js';
import { permanentId } from './permanent-id.js';
import { type LocaleChoice, renderedOf } from './render.js';

/*
 * Atom (RFC 4287) and JSON Feed 1.1: one entry a published version, with what it changes as content.
 * Everything in them comes from the versions, so the same state gives the same bytes on every instance.
 */

/** Versions told in full; older ones have their entry with a link, so that a feed of decades stays small. */
const toldInFull = 50;
/** Of a feed without entries: a constant, or every poll would find another. */
const beginning = new Date(0);

interface Entry {
  id: string;
  title: string;
  content: string;
  url: string;
  version: VersionSummary;
  base: number | null;
  updatedAt: Date;
}

/** Feeds for everybody, in the language that the address or the client asks for. */
export function feedRoutes(deps: AppDeps): FastifyPluginAsync {
  const { kept, pages } = deps;
  return async (app) => {
    app.get('/feed.atom', async (request, reply) =>
      kept.send(request, reply, '/feed.atom', async (choice) =>
        renderedOf(
          atomOf(deps, choice, await entriesOf(deps, choice)),
          'application/atom+xml; charset=utf-8',
          choice.locale,
        ),
      ),
    );
    app.get('/feed.json', async (request, reply) =>
      kept.send(request, reply, '/feed.json', async (choice) =>
        renderedOf(
          jsonFeedOf(deps, choice, await entriesOf(deps, choice)),
          'application/feed+json; charset=utf-8',
          choice.locale,
        ),
      ),
    );
    // What a reader guesses first.
    app.get('/feed', async (_request, reply) => reply.redirect(pages.href('/feed.atom'), 302));
  };
}

type FeedDeps = Pick<AppDeps, 'db' | 'now' | 'config' | 'texts' | 'pages'>;

/** Newest first. */
async function entriesOf(deps: FeedDeps, choice: LocaleChoice): Promise<Entry[]> {
  const all = await readVersions(deps.db, deps.now());
  const entries: Entry[] = [];
  for (const [index, version] of all.entries()) {
    const base = baseOf(version, all);
    const told =
      index < toldInFull
        ? await tell(deps, choice, version, base)
        : { summary: summaryInShort(deps, choice, version), content: '' };
    const { t } = deps.texts.for(choice.locale);
    const title = t('pages.feed.entry', { version: String(version.number), summary: told.summary });
    entries.push({
      id: urnOf(version.hash),
      title: version.withdrawnAt === null ? title : `${title} (${t('pages.feed.withdrawn')})`,
      content: told.content,
      url: deps.pages.href(`/versions/${version.number}`),
      version,
      base,
      updatedAt: version.withdrawnAt ?? version.publishedAt,
    });
  }
  return entries;
}

async function tell(deps: FeedDeps, choice: LocaleChoice, { number }: VersionSummary, base: number | null) {
  const version = await readVersion(deps.db, number);
  if (version === null) throw new Error(`version ${number} is in the table of versions and nowhere else`);
  const before = base === null ? null : ((await readVersion(deps.db, base))?.document ?? null);
  const account = base === null ? null : accountOf(deps, choice, version, before);
  return {
    summary: account?.summary ?? deps.texts.for(choice.locale).t('pages.feed.first'),
    content: deps.pages.fragment('feed-entry', { version, account, base, original: account?.original ?? null }, choice),
  };
}

function accountOf(deps: FeedDeps, choice: LocaleChoice, version: PublishedVersion, before: ListDocument | null) {
  return describe(version.changes, namesOf(before, version.document), deps.texts.for(choice.locale));
}

function summaryInShort(deps: FeedDeps, choice: LocaleChoice, version: VersionSummary): string {
  const { t } = deps.texts.for(choice.locale);
  return version.number === 1 ? t('pages.feed.first') : t('pages.versions.changes', { count: version.changes });
}

function atomOf(deps: FeedDeps, choice: LocaleChoice, entries: readonly Entry[]): string {
  const { t } = deps.texts.for(choice.locale);
  const { companyName } = deps.config;
  const feed = new Feed({
    id: feedUrn(deps, entries),
    title: xmlText(t('pages.feed.title', { company: companyName })),
    description: xmlText(t('pages.feed.subtitle')),
    link: deps.pages.href('/'),
    feed: addressOf(deps, choice, '/feed.atom'),
    updated: updatedAt(entries),
    generator: 'subnotice',
    author: { name: xmlText(companyName) },
  });
  for (const { id, title, content, url, version, updatedAt: date } of entries) {
    // Title and content are markup here (type="html"), in which no ">" of a text is left to end a CDATA section.
    feed.addItem({ id, title: escapeMarkup(title), content, link: url, date, published: version.publishedAt });
  }
  return feed.atom1();
}

/** Written here, as the library knows version 1.0 only: no language, no authors. */
function jsonFeedOf(deps: FeedDeps, choice: LocaleChoice, entries: readonly Entry[]): string {
  const { t } = deps.texts.for(choice.locale);
  const authors = [{ name: deps.config.companyName, url: deps.pages.href('/') }];
  return JSON.stringify({
    version: 'https://jsonfeed.org/version/1.1',
    title: t('pages.feed.title', { company: deps.config.companyName }),
    description: t('pages.feed.subtitle'),
    home_page_url: deps.pages.href('/'),
    feed_url: addressOf(deps, choice, '/feed.json'),
    language: choice.locale,
    authors,
    items: entries.map(({ id, title, content, url, version, base, updatedAt: date }) => ({
      id,
      url,
      title,
      ...(content === '' ? { content_text: title } : { content_html: content }),
      date_published: version.publishedAt.toISOString(),
      date_modified: date.toISOString(),
      language: choice.locale,
      _subnotice: {
        version: version.number,
        state: version.state,
        effectiveAt: version.effectiveAt.toISOString(),
        objectionDeadline: version.objectionDeadline?.toISOString() ?? null,
        versionUrl: deps.pages.href(`/versions/${version.number}.json`),
        diffUrl: base === null ? null : deps.pages.href(`/compare/${base}...${version.number}.json`),
      },
    })),
  });
}

/** Of the same feed in another language, the address is another and the entries' ids are the same. */
function addressOf(deps: FeedDeps, { locale, chosen }: LocaleChoice, path: string): string {
  return deps.pages.href(path) + (chosen ? `?lang=${locale}` : '');
}

function updatedAt(entries: readonly Entry[]): Date {
  return new Date(Math.max(beginning.getTime(), ...entries.map((entry) => entry.updatedAt.getTime())));
}

function feedUrn(deps: FeedDeps, entries: readonly Entry[]): string {
  return urnOf(`feed ${entries.at(-1)?.version.hash ?? deps.config.publicUrl}`);
}

function urnOf(text: string): string {
  return `urn:uuid:${permanentId(text)}`;
}

/** The library takes `&amp;` in a text for an ampersand that was escaped before; said twice it stays what it was. */
function xmlText(text: string): string {
  return text.replaceAll('&', '&amp;');
}
