import type { FastifyPluginAsync } from 'fastify';
import ical, { ICalEventStatus, ICalEventTransparency } from 'ical-generator';
import type { AppDeps } from '../app.js';
import { dayOf, lastDayOf } from '../versions/clock.js';
import { readVersions, versionMissing } from '../versions/read.js';
import type { VersionSummary } from '../versions/version.js';
import { described } from './described.js';
import { permanentId } from './permanent-id.js';
import { type LocaleChoice, renderedOf } from './render.js';

/*
 * The dates of versions as iCalendar (RFC 5545), to subscribe to or to put one into a calendar. Days of
 * TIME_ZONE are whole days without a time, so that no calendar moves them to another zone. Everything comes from
 * the versions: the same state gives the same bytes, and an event keeps its UID for ever.
 */

/** Older versions' dates are nobody's appointments any more. */
const newest = 50;

type CalendarDeps = Pick<AppDeps, 'db' | 'now' | 'config' | 'texts' | 'pages' | 'kept'>;

/** The calendar of all dates, and that of one version. */
export function calendarRoutes(deps: CalendarDeps): FastifyPluginAsync {
  const { kept } = deps;
  return async (app) => {
    app.get(
      '/calendar.ics',
      described('readCalendar', 'The dates of the newest versions (text/calendar)'),
      async (request, reply) =>
        kept.send(request, reply, '/calendar.ics', async (choice) => {
          const versions = await readVersions(deps.db, deps.now());
          return rendered(calendarOf(deps, choice, versions.slice(0, newest)), choice);
        }),
    );
    const one = described('readVersionCalendar', 'The dates of one version (text/calendar)');
    app.get<{ Params: { number: string } }>('/versions/:number(^\\d+).ics', one, async (request, reply) => {
      const { number } = request.params;
      return kept.send(request, reply, `/versions/${number}.ics`, async (choice) => {
        const versions = await readVersions(deps.db, deps.now());
        const version = versions.find((one) => String(one.number) === number);
        if (version === undefined) throw versionMissing(Number(number));
        return rendered(calendarOf(deps, choice, [version]), choice);
      });
    });
  };
}

function rendered(text: string, { locale }: LocaleChoice) {
  return renderedOf(text, 'text/calendar; charset=utf-8', locale);
}

function calendarOf(deps: CalendarDeps, choice: LocaleChoice, versions: readonly VersionSummary[]): string {
  const { t } = deps.texts.for(choice.locale);
  const company = deps.config.companyName;
  const calendar = ical({
    prodId: { company: 'subnotice', product: 'subnotice', language: choice.locale.toUpperCase() },
    name: t('calendar.name', { company }),
    description: t('calendar.description', { company }),
    url: deps.pages.href('/'),
    // How often it is worth asking again, in seconds.
    ttl: 60 * 60,
    events: versions.flatMap((version) => eventsOf(deps, choice, version)),
  });
  return `${calendar.toString()}\r\n`;
}

function eventsOf(deps: CalendarDeps, choice: LocaleChoice, version: VersionSummary) {
  const { config, pages, texts } = deps;
  const { t } = texts.for(choice.locale);
  const values = { company: config.companyName, version: String(version.number) };
  const isWithdrawn = version.withdrawnAt !== null;
  const revisedAt = version.withdrawnAt ?? version.publishedAt;
  const url = pages.href(`/versions/${version.number}`);
  const event = (kind: 'effective' | 'deadline', when: Moment) => ({
    id: permanentId(`${version.hash} ${kind}`),
    sequence: isWithdrawn ? 1 : 0,
    status: isWithdrawn ? ICalEventStatus.CANCELLED : ICalEventStatus.CONFIRMED,
    transparency: ICalEventTransparency.TRANSPARENT,
    stamp: revisedAt,
    created: version.publishedAt,
    lastModified: revisedAt,
    summary: t(`calendar.${kind}`, values),
    description: [
      t('calendar.changes', { count: version.changes }),
      ...(version.message === null ? [] : [version.message]),
      ...(isWithdrawn ? [t('pages.feed.withdrawn')] : []),
      url,
    ].join('\n\n'),
    url,
    ...when,
  });
  return [
    event('effective', begins(version.effectiveAt, config.timeZone)),
    ...(version.objectionDeadline === null
      ? []
      : [event('deadline', ends(version.objectionDeadline, config.timeZone))]),
  ];
}

type Moment = { start: Date; end?: Date; allDay: boolean };

/** What begins with a day is that day's; else it is a moment. */
function begins(at: Date, zone: string): Moment {
  return isMidnight(at, zone) ? wholeDay(dayOf(at, zone)) : { start: at, allDay: false };
}

/** A deadline at the end of a day is that day's. */
function ends(at: Date, zone: string): Moment {
  return isMidnight(at, zone) ? wholeDay(lastDayOf(at, zone)) : { start: at, allDay: false };
}

function isMidnight(at: Date, zone: string): boolean {
  return dayOf(at, zone) !== lastDayOf(at, zone);
}

/** DTEND of a whole day is the next one: it does not belong to it (RFC 5545, 3.6.1). */
function wholeDay(day: string): Moment {
  const start = new Date(`${day}T00:00:00Z`);
  return { start, end: new Date(start.getTime() + 24 * 60 * 60_000), allDay: true };
}
