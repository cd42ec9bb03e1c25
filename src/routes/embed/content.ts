import type { AppDeps } from '../../app.js';
import { joinOriginals, localize } from '../../list/localize.js';
import { readBoard } from '../../versions/read.js';
import type { Html } from '../html.js';
import { comingOf, marksOf } from '../pages/announced-marks.js';
import { type ListView, listView, type VendorView } from '../pages/list-view.js';
import { announcedViews, stepsOf } from '../pages/version-view.js';
import type { LocaleChoice } from '../render.js';

/** What may be shown elsewhere: everything, a table of the vendors, what is announced, the way to subscribe. */
export const parts = ['all', 'vendors', 'announced', 'subscribe'] as const;
export type Part = (typeof parts)[number];

interface EmbedContent {
  markup: string;
  /** Of the list; before the first version, that there is none. */
  title: string;
}

/** In characters, over all parts and languages; past it they are made anew. */
const mostKept = 16 * 1024 * 1024;

/**
 * Makes the content of a part in a language. A frame comes in any font and colour and each is a page of its
 * own, so what is in it is kept for as long as the published versions are the same.
 */
export function createEmbedContent(deps: Pick<AppDeps, 'db' | 'now' | 'texts' | 'pages'>) {
  let state = '';
  let made = new Map<string, EmbedContent>();
  let size = 0;

  return async (part: Part, choice: LocaleChoice): Promise<EmbedContent> => {
    const board = await readBoard(deps.db, deps.now());
    if (board.fingerprint !== state || size > mostKept) {
      state = board.fingerprint;
      made = new Map();
      size = 0;
    }
    const key = `${part} ${choice.locale} ${choice.chosen}`;
    const known = made.get(key);
    if (known !== undefined) return known;
    const texts = deps.texts.for(choice.locale);
    // As on the page of the list: before the first version takes effect, the announced one is all there is.
    const shown = board.inForce ?? board.announced[0] ?? null;
    const steps = stepsOf(board);
    const list = shown === null ? null : localize(shown.document, choice.locale);
    const view = list === null ? null : listView(list, texts);
    const announced = announcedViews(steps, texts);
    const data = {
      part,
      board,
      shown: shown === null || list === null ? null : { ...shown, document: list.document },
      view,
      original: joinOriginals([...announced.map((one) => one.original), list?.original ?? null]),
      rows: view === null ? [] : rowsOf(view),
      announced,
      marks: marksOf(steps),
      coming: board.inForce === null ? [] : comingOf(steps, texts),
    };
    const content = {
      markup: deps.pages.fragment('embed', data, choice),
      title: list?.document.title ?? texts.t('pages.empty.title'),
    };
    made.set(key, content);
    size += content.markup.length;
    return content;
  };
}

interface Row {
  name: string;
  anchor: string;
  country: string | null;
  purposes: Html[];
  locations: Html[];
}

function rowsOf({ groups }: ListView): Row[] {
  return groups
    .flatMap(({ vendors }) => vendors)
    .map((vendor) => ({
      name: vendor.name,
      anchor: vendor.anchor,
      country: vendor.country,
      purposes: valuesOf(vendor, 'purposes'),
      locations: valuesOf(vendor, 'dataLocations'),
    }));
}

function valuesOf({ entries }: VendorView, field: string): Html[] {
  return entries.flatMap(({ facts }) => facts.filter((fact) => fact.field === field).flatMap(({ values }) => values));
}
