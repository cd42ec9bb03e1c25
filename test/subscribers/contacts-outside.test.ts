import t from 'tap';
import { linkTo, listYaml, newVendor, publishList, sendForm, subscribeAndConfirm, textOf } from '../pages/support.js';
import { bearer, startApp, type TestApp } from '../support/app.js';

async function bring(app: TestApp, csv: string) {
  const answer = await app.inject({
    method: 'POST',
    url: '/api/v1/subscribers/import',
    headers: { ...bearer, 'content-type': 'text/csv' },
    payload: csv,
  });
  if (answer.statusCode !== 200) throw new Error(answer.body);
  return answer.json();
}

const lastTo = async (app: TestApp, email: string) => {
  const mail = await app.relay.mailTo(email).at(-1)?.parse();
  if (mail === undefined) throw new Error(`no mail to ${email}`);
  return { ...mail, text: (mail.text ?? '').replace(/\s+/g, ' ') };
};

t.test('the notice says why it comes, in either language, and everybody leaves by one click', async (t) => {
  const app = await startApp(t);
  await publishList(app, listYaml());
  await bring(
    app,
    'email,company,locale,kind,entitlement\nlegal@example.org,Acme,en,contractual,DPA\nrecht@example.org,Muster,de,contractual,AVV\n',
  );
  await subscribeAndConfirm(app, 'ann@example.org');
  await publishList(app, listYaml(newVendor));
  await app.settle();

  const contract = /because your contract with Example Company names you as a contact/;
  const subscribed = /because you subscribed to notices/;
  for (const [email, why] of [
    ['legal@example.org', contract],
    ['recht@example.org', /weil Sie im Vertrag mit Example Company als Kontakt/],
    ['ann@example.org', subscribed],
  ] as const) {
    const mail = await lastTo(app, email);
    t.match(mail.text, why, email);
    t.match((mail.html || '').replace(/\s+/g, ' '), why, email);
    t.ok(mail.headers.has('list'), 'with a way to leave');
  }
  t.notMatch((await lastTo(app, 'ann@example.org')).text, contract);
  t.notMatch((await lastTo(app, 'legal@example.org')).text, subscribed);

  const link = await linkTo(app, 'legal@example.org', 'unsubscribe');
  const page = textOf((await app.inject({ url: link })).body);
  t.match(page, /a contract with Example Company entitles you to them\. If you leave, Example Company is told/);
  t.equal((await app.inject({ method: 'POST', url: link, payload: 'List-Unsubscribe=One-Click' })).statusCode, 200);
  t.match(textOf((await app.inject({ url: link })).body), /Example Company is told that you left/);
  const tasks = await app.inject({ url: '/api/v1/tasks?open=true', headers: bearer });
  t.match(tasks.json(), { tasks: [{ kind: 'contact-left', subscriber: { company: 'Acme' } }] });

  const ofAnn = await linkTo(app, 'ann@example.org', 'unsubscribe');
  t.notMatch(textOf((await app.inject({ url: ofAnn })).body), /contract/);
  await app.inject({ method: 'POST', url: ofAnn });
  t.notMatch(textOf((await app.inject({ url: ofAnn })).body), /is told that you left/);
});

t.test('who becomes a contact while a notice waits is told why as they are then', async (t) => {
  const app = await startApp(t);
  await publishList(app, listYaml());
  await subscribeAndConfirm(app, 'ann@example.org');
  await publishList(app, listYaml(newVendor));
  await app.fanOut();
  await bring(app, 'email,kind,entitlement\nann@example.org,contractual,DPA\n');
  await app.send();
  t.match((await lastTo(app, 'ann@example.org')).text, /because your contract with/);
});

t.test('a contact who is entered into an open window is welcomed as a contact', async (t) => {
  const app = await startApp(t);
  await publishList(app, listYaml());
  await publishList(app, listYaml(newVendor));
  await bring(
    app,
    'email,locale,kind,entitlement\nlegal@example.org,en,contractual,DPA\nrecht@example.org,de,contractual,AVV\n',
  );
  await app.settle();
  const english = await lastTo(app, 'legal@example.org');
  t.match(english.subject, /^You are the contact for changes; announced: 1 sub-processor added/);
  t.match(english.text, /entered you as a contact, since your contract entitles you/);
  t.notMatch(english.text, /subscribed/i);
  t.match(english.text, /Letterbird, Inc\./);
  t.ok(english.headers.has('list'));
  const german = await lastTo(app, 'recht@example.org');
  t.match(german.subject, /^Sie sind der Kontakt für Änderungen/);
  t.match(german.text, /hat Sie als Kontakt eingetragen/);
});

t.test('the preferences of a contact say that a contract entitles them', async (t) => {
  const app = await startApp(t);
  await publishList(app, listYaml());
  await bring(app, 'email,company,kind,entitlement\nlegal@example.org,Acme,contractual,secret annex 7\n');
  await subscribeAndConfirm(app, 'ann@example.org');
  await publishList(app, listYaml(newVendor));
  await app.settle();
  const link = await linkTo(app, 'legal@example.org', 'preferences');
  const page = (await app.inject({ url: link })).body;
  t.match(textOf(page), /because a contract with Example Company entitles you to them/);
  t.notMatch(page, /annex 7|legal@example\.org|Acme/, 'mails get forwarded');
  const saved = await sendForm(app, link, { locale: 'de', toldOf: 'material' });
  t.match(textOf(saved.body), /weil ein Vertrag mit Example Company/);
  t.notMatch(textOf((await app.inject({ url: await linkTo(app, 'ann@example.org', 'preferences') })).body), /contract/);
  const leave = await linkTo(app, 'legal@example.org', 'unsubscribe');
  await app.inject({ method: 'POST', url: leave, payload: { 'List-Unsubscribe': 'One-Click' } });
  const afterwards = textOf((await app.inject({ url: link })).body);
  t.match(afterwards, /is not subscribed at present|ist zurzeit nicht angemeldet/);
  t.notMatch(afterwards, /entitles you|ein Vertrag mit/, 'who has left gets none, and cannot leave once more');
});

t.test('by the API groups are made, changed and removed, and contacts are found by kind and group', async (t) => {
  const app = await startApp(t);
  const ask = (method: 'GET' | 'PUT' | 'DELETE', url: string, payload?: object) =>
    app.inject({ method, url, headers: bearer, ...(payload === undefined ? {} : { payload }) });
  const made = await ask('PUT', '/api/v1/notice-groups/dpa-60', { name: 'Sixty days', noticeDays: 60 });
  t.match([made.statusCode, made.json()], [201, { id: 'dpa-60', name: 'Sixty days', noticeDays: 60, members: 0 }]);
  t.equal((await ask('PUT', '/api/v1/notice-groups/dpa-60', { name: '60', noticeDays: 60 })).statusCode, 200);
  for (const [id, body] of [
    ['dpa-60', { name: '60', noticeDays: 366 }],
    ['dpa-60', { name: '60', noticeDays: -1 }],
    ['dpa-60', { name: '60', noticeDays: 1.5 }],
    ['dpa-60', { name: '60' }],
    ['dpa-60', { name: '', noticeDays: 3 }],
    ['DPA', { name: '60', noticeDays: 3 }],
    ['dpa-60', { name: '60', noticeDays: 3, more: 1 }],
  ] as const) {
    const answer = await ask('PUT', `/api/v1/notice-groups/${id}`, body);
    t.match([answer.statusCode, answer.json()], [400, { code: 'input.invalid', errors: [{}] }], JSON.stringify(body));
  }
  t.match((await ask('GET', '/api/v1/notice-groups/none')).json(), { status: 404, code: 'group.missing' });
  t.match((await ask('GET', '/api/v1/notice-groups')).json(), { groups: [{ id: 'dpa-60', name: '60' }] });

  t.same(
    await bring(
      app,
      'email,kind,group,entitlement\na@example.org,contractual,dpa-60,DPA\nb@example.org,contractual,,MSA\nc@example.org,contractual,no,MSA\nd@example.org,,,\n',
    ),
    { imported: 3, updated: 0, skipped: 1, errors: [{ line: 4, message: 'group "no" is not known; use dpa-60' }] },
  );
  const found = async (query: string) =>
    (await ask('GET', `/api/v1/subscribers?${query}`)).json().subscribers.map(({ email }: { email: string }) => email);
  t.same(await found('kind=contractual'), ['a@example.org', 'b@example.org']);
  t.same(await found('kind=voluntary'), ['d@example.org']);
  t.same(await found('group=dpa-60&status=confirmed'), ['a@example.org']);
  t.same(await found('group=other'), []);
  t.equal((await ask('GET', '/api/v1/subscribers?kind=x')).statusCode, 400);
  t.match((await ask('GET', '/api/v1/subscribers?limit=1')).json(), {
    subscribers: [{ kind: 'contractual', entitlement: 'DPA', noticeGroup: 'dpa-60' }],
  });
  const refused = await ask('DELETE', '/api/v1/notice-groups/dpa-60');
  t.match([refused.statusCode, refused.json()], [409, { code: 'group.in-use' }]);
  await ask('DELETE', '/api/v1/subscribers/1');
  t.equal((await ask('DELETE', '/api/v1/notice-groups/dpa-60')).statusCode, 204);
  t.equal((await ask('DELETE', '/api/v1/notice-groups/dpa-60')).statusCode, 404);
});
