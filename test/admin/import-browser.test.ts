import t from 'tap';
import { systemActor } from '../../src/actor.js';
import { readList } from '../../src/list/read.js';
import { readDraft, replaceDraft } from '../../src/versions/draft.js';
import { listYaml, newVendor, publishList } from '../pages/support.js';
import { startApp } from '../support/app.js';
import { awaitFocus, browserMissing, inspect, startBrowser } from '../support/browser.js';
import { freePort } from '../support/process.js';
import { openConsole } from './browser.js';
import { setUp } from './support.js';

// A browser on a busy machine.
t.setTimeout(170_000);

/** As companies publish it: a page with a table of vendors, and a catalogue for each kind of person. */
const page = `<!doctype html><title>Sub-processors</title><h1>Sub-processors list</h1><p>Each of them has an executed DPA.</p>
<table><tr><th>Company</th><th>Purpose</th><th>Data Location</th><th>Zzz</th></tr>
<tr><td>Nordwind Hosting</td><td><ul><li>Hosting</li><li>Backups</li></ul></td><td>Germany</td><td>Kubernetes</td></tr>
<tr><td>Letterbird Mail</td><td>Sending of e-mail</td><td>Ireland</td><td>Newsletters</td></tr>
<tr><td>شركة أمثلة</td><td>Support of a rather long-windedly-described-and-never-ending-kind-of-service</td><td>France</td><td></td></tr>
</table><p>Write to us.</p>`;

t.test(
  'a page is brought by keyboard and mouse, put right, joined with what was there and taken over',
  {
    skip: browserMissing(),
  },
  async (t) => {
    const browser = await startBrowser(t);
    const port = await freePort();
    const base = `http://127.0.0.1:${port}`;
    const app = await startApp(t, { env: { PUBLIC_URL: base } });
    await app.http.listen({ port, host: '127.0.0.1' });
    await publishList(app, listYaml(newVendor));
    await setUp(app);
    for (const { lang, ...view } of [
      { width: 360, colorScheme: 'dark', lang: 'de' },
      { width: 1280, colorScheme: 'light', lang: 'en' },
    ] as const) {
      const { page: tab, faults } = await openConsole(browser, base, view, { expected: /422/ });
      const where = (what: string) => `${what} in ${lang}`;
      await tab.goto(`${base}/admin/draft/import?lang=${lang}`);
      await inspect(t, tab, where('bring a list'));
      await tab.locator('#file').press('Tab');
      await tab.locator('#text').press('Tab');
      await tab.locator('.import-start button').press('Enter');
      await awaitFocus(tab, '[role=alert]');
      await inspect(t, tab, where('nothing was chosen'));

      const buffer = Buffer.from(page);
      await tab.setInputFiles('#file', { name: 'sub-processors.html', mimeType: 'text/html', buffer });
      await tab.locator('.import-start button').click();
      await tab.waitForURL(/\/import\/\d+/);
      await inspect(t, tab, where('the preview'));
      // The one column that nobody knows is mapped by hand, and the pair is confirmed.
      const column = tab.locator('select[id="import.0.column.4"]');
      t.equal(await column.inputValue(), 'ignore');
      await column.selectOption('notes');
      await tab.locator('button[value=map]').press('Enter');
      await tab.waitForURL(/done=mapped/);
      t.equal(await tab.locator('select[id="import.0.column.4"]').inputValue(), 'notes');
      await tab.locator('.import-pair').first().getByRole('radio').first().check();
      await tab.locator('button[value=take]').click();
      await tab.waitForURL(/done=changed/);
      await inspect(t, tab, where('decided'));
      await tab.locator('button[value=take]').click();
      await tab.waitForURL(/\/admin\/draft\?done=imported/);
      t.same(faults, [], 'the browser has nothing to complain about');
      await tab.context().close();
      if (lang === 'de') {
        t.match((await readDraft(app.deps.db))?.document.subProcessors, [
          { id: 'nordwind', name: 'Nordwind Hosting', dataLocations: ['Germany'], notes: 'Kubernetes' },
          { id: 'letterbird', name: 'Letterbird Mail' },
          { name: 'شركة أمثلة' },
        ]);
        // The other one begins with what was there.
        const document = readList(listYaml(newVendor), 'yaml');
        await replaceDraft(app.deps, { document, source: null }, {}, systemActor);
      }
    }
  },
);
