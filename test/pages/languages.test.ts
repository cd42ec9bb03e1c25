import t from 'tap';
import { startApp, type TestApp } from '../support/app.js';
import { publishList, sendForm, subscribeAndConfirm, textOf } from './support.js';

/*
 * A list that is written in German, put into English for the most part, and into no other language.
 */

const list = `title: Unterauftragsverarbeiter
language: de
introduction: Wer **uns** hilft.
translations: { en: { title: Sub-processors, introduction: 'Who helps **us**.' } }
services:
  - { id: community, name: Gemeinschaft, translations: { en: { name: Community } } }
statements:
  - { id: residency, text: Alle Daten bleiben in der EU. }
dataSubjects:
  - id: members
    name: Mitglieder
    translations: { en: { name: Members } }
    dataCategories:
      - id: email-address
        name: E-Mail-Adresse
        purpose: Anmeldung
        retention: zwei Jahre
        translations: { en: { name: email address, purpose: Signing in } }
subProcessors:
  - id: nordwind
    name: Nordwind Hosting GmbH
    country: DE
    purposes: [Speicherung]
    notes: Seit 2020.
    services: [community]
    dataCategories: { members: [email-address] }
    translations: { en: { purposes: [Storage] } }
`;
const added = `  - id: letterbird
    name: Letterbird, Inc.
    country: US
    purposes: [Versand]
    notes: Nur auf Wunsch <b>.
    translations: { en: { purposes: [Sending] } }
`;
const other = list.replace('title: Sub-processors', 'title: Providers').replace('[Storage]', '[Hosting]');

async function pageOf(app: TestApp, path: string, locale: string): Promise<string> {
  app.deps.kept.markStale();
  return (await app.inject({ url: `${path}?lang=${locale}` })).body;
}

t.test('a reader gets the list in their language, and what has no translation in the original, marked', async (t) => {
  const app = await startApp(t);
  await publishList(app, list);
  const german = await pageOf(app, '/', 'de');
  t.match(german, '<h1><bdi>Unterauftragsverarbeiter</bdi></h1>');
  t.match(german, '<p>Wer <strong>uns</strong> hilft.</p>');
  t.notMatch(german, 'original-note', 'it is the original');
  t.notMatch(german.replace(/<footer[\s\S]*/, ''), /<(?!html)[^>]* lang="/);

  const english = await pageOf(app, '/', 'en');
  t.match(english, '<h1><bdi>Sub-processors</bdi></h1>');
  t.match(english, '<title>Sub-processors ·');
  t.match(english, '<p>Who helps <strong>us</strong>.</p>');
  t.match(english, '<dd>Community</dd>');
  for (const word of ['Storage', 'Members', 'email address', 'Signing in']) t.match(english, word);
  t.notMatch(english, /Speicherung|Anmeldung|Mitglieder/);
  t.match(english, '<span lang="de" dir="ltr">Seit 2020.</span>');
  t.match(english, '<p lang="de" dir="ltr">Alle Daten bleiben in der EU.</p>');
  t.match(english, '<span lang="de" dir="ltr">zwei Jahre</span>');
  const note = 'Texts that are not translated yet are shown in their original language: German.';
  t.match(textOf(english), note);
  t.match(textOf(await pageOf(app, '/versions/1', 'en')), note);
});

t.test('mail, page and feed tell a change in the reader’s language, with what is original marked', async (t) => {
  const app = await startApp(t, { env: { TIME_ZONE: 'UTC' } });
  await publishList(app, list);
  await subscribeAndConfirm(app, 'english@reader.example', { locale: 'en' });
  await subscribeAndConfirm(app, 'deutsch@reader.example', { locale: 'de' });
  await publishList(app, list.replace('Seit 2020.', 'Seit 2021.') + added);
  await app.settle();

  const noticeTo = async (address: string) => {
    const mail = app.relay.mailTo(address).at(-1);
    if (mail === undefined) throw new Error('there is no mail');
    const { html, text } = await mail.parse();
    return { html: String(html), text: text ?? '' };
  };
  const english = await noticeTo('english@reader.example');
  t.match(english.text, /Purpose: Sending\b/);
  t.match(english.text, 'Nur auf Wunsch <b>.');
  t.match(english.text, 'shown in their original language: German');
  t.match(english.html, 'Sending');
  t.match(english.html, '<span lang="de" dir="ltr">Nur auf Wunsch &lt;b&gt;.</span>');
  t.match(english.html, '<span lang="de" dir="ltr">Seit 2021.</span>');
  const german = await noticeTo('deutsch@reader.example');
  t.match(german.text, /Zweck: Versand\b/);
  t.notMatch(german.html, 'lang="de" dir="ltr">Nur');
  t.notMatch(german.text, 'Originalsprache');

  const page = await pageOf(app, '/compare/1...2', 'en');
  t.match(page, 'Sending');
  t.match(page, '<p lang="de" dir="ltr">Nur auf Wunsch &lt;b&gt;.</p>');
  t.match(page, 'original-note');
  const announced = await pageOf(app, '/', 'en');
  t.match(announced, /Purpose: <bdi>Sending<\/bdi>/);

  const feed = (await app.inject({ url: '/feed.json?lang=en' })).json();
  t.match(feed.items[0].content_html, 'Purpose: Sending');
  t.match(feed.items[0].content_html, '<span lang="de" dir="ltr">Nur auf Wunsch &lt;b&gt;.</span>');
  const atom = (await app.inject({ url: '/feed.atom?lang=de' })).body;
  t.match(atom, 'Zweck: Versand');
  const json = (await app.inject({ url: '/list.json' })).json();
  t.equal(json.document.language, 'de');
  t.same(json.document.translations, { en: { title: 'Sub-processors', introduction: 'Who helps **us**.' } });
});

t.test('other words for the same are published and told to nobody', async (t) => {
  const app = await startApp(t);
  await publishList(app, list);
  await subscribeAndConfirm(app, 'english@reader.example', { locale: 'en' });
  const before = app.relay.mailTo('english@reader.example').length;
  await publishList(app, other);
  await app.settle();
  t.equal(app.relay.mailTo('english@reader.example').length, before);
  const diff = (await app.inject({ url: '/compare/1...2.json' })).json();
  t.match(diff.changes, [
    { id: 'nordwind', severity: 'editorial', notifiable: false, fields: [{ field: 'translations.en.purposes' }] },
    { id: 'list', notifiable: false, fields: [{ field: 'translations.en.title', after: 'Providers' }] },
  ]);
  const version = (await app.inject({ url: '/versions/2.json' })).json();
  t.equal(version.objectionDeadline, null);
  t.match(textOf(await pageOf(app, '/', 'en')), 'Providers');
  t.match(textOf(await pageOf(app, '/compare/1...2', 'en')), 'Purpose (in English)');

  await publishList(app, other.replace('Seit 2020.', 'Seit 2021.'));
  await app.settle();
  const mail = await app.relay.mailTo('english@reader.example').at(-1)?.parse();
  t.match(mail?.text, 'Seit 2021.');
  t.notMatch(mail?.text, 'in English', 'what was other words for the same is not told later either');
});

t.test('the console is in the languages that it has, whatever the browser asks for', async (t) => {
  const app = await startApp(t);
  for (const [asked, language] of [
    ['fr', 'en'],
    ['de-AT, fr', 'de'],
  ]) {
    const page = (await app.inject({ url: '/admin/sign-in', headers: { 'accept-language': asked } })).body;
    t.match(page, `<html lang="${language}" dir="ltr">`);
  }
  t.match((await app.inject({ url: '/admin/sign-in?lang=fr' })).body, '<html lang="en"');
});

t.test('a subscriber may choose every language that is there, each by its own name', async (t) => {
  const app = await startApp(t);
  await publishList(app, list);
  const { body } = await app.inject({ url: '/subscribe' });
  const offered = [...body.matchAll(/<option value="([^"]+)" lang="\1"[^>]*>([^<]+)</g)].map(([, tag, name]) => [
    tag,
    name,
  ]);
  t.same(
    offered,
    app.deps.texts.locales.map((locale) => [locale, app.deps.texts.for(locale).language(locale)]),
  );
  t.ok(offered.some(([, name]) => name === 'Deutsch'));
  for (const [locale = ''] of offered) {
    await sendForm(app, '/subscribe', { email: `${locale}@reader.example`, locale });
    await app.settle();
    const mail = await app.relay.mailTo(`${locale}@reader.example`).at(-1)?.parse();
    t.match(String(mail?.html), `lang="${locale}"`);
  }
});
