/*
 * PURE. What the list can be had in beside the page. The footer, the head of public pages and the sitemap are
 * made from this table, so a new format is one line here and its door.
 */

export interface Format {
  path: string;
  /** Media type, without parameters. */
  type: string;
  /** What it is called in every language: a proper name. */
  label: string;
  /** The text that names it in `<link rel="alternate">`; null: not announced there. */
  titleKey: string | null;
}

export const formats: readonly Format[] = [
  { path: '/feed.atom', type: 'application/atom+xml', label: 'Atom', titleKey: 'pages.layout.atomTitle' },
  { path: '/feed.json', type: 'application/feed+json', label: 'JSON Feed', titleKey: 'pages.layout.jsonFeedTitle' },
  { path: '/calendar.ics', type: 'text/calendar', label: 'iCalendar', titleKey: 'calendar.feedTitle' },
  { path: '/list.pdf', type: 'application/pdf', label: 'PDF', titleKey: null },
  { path: '/list.json', type: 'application/json', label: 'JSON', titleKey: null },
  { path: '/list.csv', type: 'text/csv', label: 'CSV', titleKey: null },
  {
    path: '/list.xlsx',
    type: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
    label: 'Excel',
    titleKey: null,
  },
];
