import type { FastifyPluginAsync } from 'fastify';
import { Feed } from 'feed';
import type { AppDeps } from '../app.js';
import type { Change } from '../list/change.js';
import { describe } from '../list/describe.js';
import type { ListDocument } from '../list/document.js';
import { namesOf } from '../list/values.js';
import { escapeMarkup } from '../mail/escape.js';
import { baseOf, readVersion, readVersions, versionMissing } from '../versions/read.js';
import type { PublishedVersion, VersionSummary } from '../versions/version.js';
import { described } from './described.js';
import { permanentId } from './permanent-id.js';
import { type LocaleChoice, renderedOf } from './render.js';

/*
 * Atom (RFC 4287) and JSON Feed 1.1: one entry a published version, with what it changes as content.
 * Everything in them comes from the versions, so the same state gives the same bytes on every instance.
 * A feed holds the newest versions; archives (RFC 5005, section 4) hold all of them, by fixed numbers, so that a
 * feed of decades stays small and an archive stays what it is.
 */

/** Versions of a feed, and of an archive. */
const perFeed = 50;
/** Past this many the changes of a version are told by their address alone to programs too. */
const mostChanges = 200;
/** Of a feed without entries: a constant, or every poll would find another. */
const beginning = new Date(0);

interface Entry {
  id: string;
  title: string;
  content: string;
  /** Against `base`; null: there was none, or there are too many to tell them twice. */
  changes: Change[] | null;
  url: string;
  version: VersionSummary;
  base: number | null;
  updatedAt: Date;
}

/** Feeds for everybody, in the language that the address or the client asks for. */
export function feedRoutes(deps: AppDeps): FastifyPluginAsync {
  const { kept, pages } = deps;
  return async (app) => {
    for (const [ending, { type, label, write }] of Object.entries(forms)) {
      app.get(
        `/feed.${ending}`,
        described(`read${label}`, `What the newest versions changed (${type})`),
        async (request, reply) =>
          kept.send(request, reply, `/feed.${ending}`, async (choice) =>
            renderedOf(write(deps, choice, await partOf(deps, choice, null)), type, choice.locale),
          ),
      );
      const archived = described(`read${label}Archive`, `What older versions changed, fifty an archive (${type})`);
      app.get<{ Params: { archive: string } }>(
        `/feed/:archive(^\\d{1,7}).${ending}`,
        archived,
        async (request, reply) => {
          const number = Number(request.params.archive);
          return kept.send(request, reply, `/feed/${number}.${ending}`, async (choice) =>
            renderedOf(write(deps, choice, await partOf(deps, choice, number)), type, choice.locale),
          );
        },
      );
    }
    // What a reader guesses first.
    app.get('/feed', async (_request, reply) => reply.redirect(pages.href('/feed.atom'), 302));
  };
}

const forms = {
  atom: { type: 'application/atom+xml; charset=utf-8', label: 'Atom', write: atomOf },
  json: { type: 'application/feed+json; charset=utf-8', label: 'JsonFeed', write: jsonFeedOf },
};

type FeedDeps = Pick<AppDeps, 'db' | 'now' | 'config' | 'texts' | 'pages'>;

/** A feed, or one of its archives. */
interface Part {
  /** Newest first. */
  entries: Entry[];
  /** Of the archive; null: the feed itself. */
  archive: number | null;
  /** The archive before it, and the one after it; null: there is none. */
  previous: number | null;
  next: number | null;
  /** Made from the first version, which every feed of this list has. */
  id: string;
}

/** Refuses `version.missing` when an archive is not full yet: it would not stay what it is. */
async function partOf(deps: FeedDeps, choice: LocaleChoice, archive: number | null): Promise<Part> {
  const all = await readVersions(deps.db, deps.now());
  const full = Math.floor(all.length / perFeed);
  if (archive !== null && (archive < 1 || archive > full)) throw versionMissing(Math.max(1, archive) * perFeed);
  const own =
    archive === null
      ? all.slice(0, perFeed)
      : all.filter(({ number }) => number > (archive - 1) * perFeed && number <= archive * perFeed);
  const previous = archive === null ? (all.length > perFeed ? full : 0) : archive - 1;
  return {
    entries: await entriesOf(deps, choice, own, all),
    archive,
    previous: previous > 0 ? previous : null,
    next: archive !== null && archive < full ? archive + 1 : null,
    id: urnOf(`feed ${all.at(-1)?.hash ?? deps.config.publicUrl}`),
  };
}

async function entriesOf(
  deps: FeedDeps,
  choice: LocaleChoice,
  own: readonly VersionSummary[],
  all: readonly VersionSummary[],
): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (const version of own) {
    const base = baseOf(version, all);
    const told = await tell(deps, choice, version, base);
    const { t } = deps.texts.for(choice.locale);
    const title = t('pages.feed.entry', { version: String(version.number), summary: told.summary });
    entries.push({
      id: urnOf(version.hash),
      title: version.withdrawnAt === null ? title : `${title} (${t('pages.feed.withdrawn')})`,
      content: told.content,
      changes: told.changes,
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
    changes: base === null || version.changes.length > mostChanges ? null : version.changes,
  };
}

function accountOf(deps: FeedDeps, choice: LocaleChoice, version: PublishedVersion, before: ListDocument | null) {
  return describe(version.changes, namesOf(before, version.document), deps.texts.for(choice.locale));
}

function atomOf(deps: FeedDeps, choice: LocaleChoice, part: Part): string {
  const { t } = deps.texts.for(choice.locale);
  const { companyName } = deps.config;
  const feed = new Feed({
    id: part.id,
    title: xmlText(t('pages.feed.title', { company: companyName })),
    description: xmlText(t('pages.feed.subtitle')),
    link: deps.pages.href('/'),
    feed: addressOf(deps, choice, pathOf(part, 'atom')),
    updated: updatedAt(part.entries),
    generator: 'subnotice',
    author: { name: xmlText(companyName) },
  });
  for (const { id, title, content, url, version, updatedAt: date } of part.entries) {
    // Title and content are markup here (type="html"), in which no ">" of a text is left to end a CDATA section.
    feed.addItem({ id, title: escapeMarkup(title), content, link: url, date, published: version.publishedAt });
  }
  return withHistory(feed.atom1(), deps, choice, part);
}

/** What the library does not know: the language, and where older and newer archives are (RFC 5005, section 4). */
function withHistory(atom: string, deps: FeedDeps, choice: LocaleChoice, { archive, previous, next }: Part): string {
  const link = (rel: string, path: string) =>
    `<link rel="${rel}" href="${escapeMarkup(addressOf(deps, choice, path))}" type="application/atom+xml"/>`;
  const lines = [
    ...(archive === null ? [] : ['<fh:archive/>', link('current', '/feed.atom')]),
    ...(previous === null ? [] : [link('prev-archive', `/feed/${previous}.atom`)]),
    ...(next === null ? [] : [link('next-archive', `/feed/${next}.atom`)]),
  ];
  return atom
    .replace(
      '<feed xmlns="http://www.w3.org/2005/Atom">',
      `<feed xmlns="http://www.w3.org/2005/Atom" xmlns:fh="http://purl.org/syndication/history/1.0" xml:lang="${choice.locale}">`,
    )
    .replace('</id>', () => ['</id>', ...lines].join('\n    '));
}

function pathOf({ archive }: Part, ending: keyof typeof forms): string {
  return archive === null ? `/feed.${ending}` : `/feed/${archive}.${ending}`;
}

/** Written here, as the library knows version 1.0 only: no language, no authors. */
function jsonFeedOf(deps: FeedDeps, choice: LocaleChoice, part: Part): string {
  const { t } = deps.texts.for(choice.locale);
  const authors = [{ name: deps.config.companyName, url: deps.pages.href('/') }];
  return JSON.stringify({
    version: 'https://jsonfeed.org/version/1.1',
    title: t('pages.feed.title', { company: deps.config.companyName }),
    description: t('pages.feed.subtitle'),
    home_page_url: deps.pages.href('/'),
    feed_url: addressOf(deps, choice, pathOf(part, 'json')),
    ...(part.previous === null ? {} : { next_url: addressOf(deps, choice, `/feed/${part.previous}.json`) }),
    language: choice.locale,
    authors,
    items: part.entries.map(({ id, title, content, changes, url, version, base, updatedAt: date }) => ({
      id,
      url,
      title,
      content_html: content,
      date_published: version.publishedAt.toISOString(),
      date_modified: date.toISOString(),
      language: choice.locale,
      _subnotice: {
        version: version.number,
        state: version.state,
        effectiveAt: version.effectiveAt.toISOString(),
        objectionDeadline: version.objectionDeadline?.toISOString() ?? null,
        base,
        changes,
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

function urnOf(text: string): string {
  return `urn:uuid:${permanentId(text)}`;
}

/** The library takes `&amp;` in a text for an ampersand that was escaped before; said twice it stays what it was. */
function xmlText(text: string): string {
  return text.replaceAll('&', '&amp;');
}
