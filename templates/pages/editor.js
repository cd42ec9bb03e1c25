// Makes the draft's forms livelier: saved while somebody writes, what others change meanwhile, lines added as
// they are filled. Without this script the same forms are sent by their buttons.
(() => {
  const pause = 700;
  const look = 5_000;
  const notTyped = ['_csrf', 'base'];

  document.addEventListener('input', ({ target }) => {
    const rows = target.closest?.('.entry-rows');
    if (rows && isFilled(rows.lastElementChild)) addRow(rows);
  });
  for (const form of document.querySelectorAll('form[data-entry]')) edit(form);
  for (const region of document.querySelectorAll('[data-others]')) watch(region);

  function edit(form) {
    const { words, saves } = { words: JSON.parse(form.dataset.words), saves: 'autosave' in form.dataset };
    const state = form.querySelector('[data-save-state]');
    const spoken = form.querySelector('[data-spoken]');
    const undo = document.querySelector('[data-undo]');
    const key = `draft ${form.dataset.entry}`;
    // What the draft holds of this form; null where that is not known, as of a page that says what is wrong.
    let saved = 'refused' in form.dataset ? null : typed();
    let timer = 0;
    let sending = false;
    let leaving = false;
    let answered = { faults: [], conflicts: [] };

    offerLost();
    for (const event of ['input', 'change']) form.addEventListener(event, changed);
    // A fault of what is being typed can wait until it is typed.
    form.addEventListener('focusout', () => setTimeout(showFaults));
    form.addEventListener('click', ({ target }) => decide(target.closest('button[data-decide]')));
    form.addEventListener('submit', (event) => {
      if (leaving) event.preventDefault();
      leaving = true;
      clearTimeout(timer);
      keep();
    });
    // Back from the next page, by the browser's own button.
    window.addEventListener('pageshow', () => {
      leaving = false;
    });
    window.addEventListener('beforeunload', (event) => {
      if (!leaving && typed() !== saved && isKept()) event.preventDefault();
    });
    undo?.form.addEventListener('submit', () => {
      leaving = true;
      clearTimeout(timer);
    });

    function typed() {
      const fields = new URLSearchParams(new FormData(form));
      for (const name of notTyped) fields.delete(name);
      return fields.toString();
    }

    function isKept() {
      return sessionStorage.getItem(key) !== null;
    }

    /** With what the form began with: what others did since is then not undone by it. */
    function keep() {
      sessionStorage.setItem(key, JSON.stringify({ fields: typed(), base: form.elements.base.value }));
    }

    function changed() {
      if (typed() === saved) return;
      keep();
      say('unsaved');
      later();
    }

    function later() {
      clearTimeout(timer);
      if (saves && !leaving) timer = setTimeout(save, pause);
    }

    async function save() {
      if (sending) return later();
      sending = true;
      const sent = typed();
      // Beside a fault a part of it may be saved: then also what was there before has to be sent to be there again.
      saved = null;
      say('saving');
      try {
        const answer = await send();
        answered = { faults: answer.faults, conflicts: answer.conflicts };
        if (answer.base !== undefined) form.elements.base.value = answer.base;
        if (answer.edit !== null && undo) {
          undo.form.elements.id.value = answer.edit;
          undo.hidden = false;
        }
        const whole = answered.faults.length + answered.conflicts.length === 0;
        if (whole) {
          saved = sent;
          if (typed() === sent) sessionStorage.removeItem(key);
        }
        show();
        say(whole ? 'saved' : 'refused');
      } catch (error) {
        say(error.message === 'ended' ? 'ended' : 'offline');
      } finally {
        sending = false;
      }
      if (typed() !== sent) later();
    }

    /** @returns what the service made of the form; throws `ended` when nobody is signed in any more. */
    async function send(again = true) {
      const answer = await fetch(form.action, {
        method: 'POST',
        headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams(new FormData(form)).toString(),
      });
      if (answer.status === 403 && again && (await renewToken())) return send(false);
      if (answer.status === 403) throw new Error('ended');
      const isAnswer = answer.ok || answer.status === 422;
      if (!isAnswer) throw new Error(String(answer.status));
      return { faults: [], conflicts: [], edit: null, ...(await answer.json()) };
    }

    /** Signed in again in another window: the page goes on with a token of the new session. */
    async function renewToken() {
      const answer = await fetch(location.href, { headers: { accept: 'text/html' } });
      if (!answer.ok || answer.redirected) return false;
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      const token = page.querySelector('form[data-entry] input[name="_csrf"]')?.value;
      if (token === undefined) return false;
      for (const field of document.querySelectorAll('input[name="_csrf"]')) field.value = token;
      return true;
    }

    /** Faults, and what others wrote, beside their fields. */
    function show() {
      clear();
      showFaults();
      for (const { field, text, value } of answered.conflicts) {
        const line = put(placeOf(field), text);
        if (field === null) continue;
        for (const choice of ['mine', 'theirs']) {
          const button = document.createElement('button');
          Object.assign(button, { type: 'button', className: 'button button-quiet button-small' });
          Object.assign(button.dataset, { decide: choice, field, value: JSON.stringify(value) });
          button.textContent = words[choice];
          line.append(' ', button);
        }
      }
    }

    /** Adds what is not shown yet and takes nothing away: a button that is being pressed must stay. */
    function showFaults() {
      for (const { field, message, lang } of answered.faults) {
        const place = placeOf(field);
        if (place.contains(document.activeElement) && place.dataset.field !== undefined) continue;
        if (place.querySelector(':scope > [data-fault]')) continue;
        place.dataset.atFault = '';
        const line = put(place, message);
        Object.assign(line.dataset, { fault: '' });
        line.lang = lang ?? '';
        controlOf(place)?.setAttribute('aria-invalid', 'true');
      }
    }

    /** What the words beside a field are about. */
    function controlOf(place) {
      return place.dataset.field ? place.querySelector('input:not([type="checkbox"]), select, textarea') : null;
    }

    function placeOf(field) {
      return form.querySelector(`[data-field="${CSS.escape(field ?? '')}"]`) ?? form.querySelector('.entry-actions');
    }

    function put(place, text) {
      const line = document.createElement('p');
      Object.assign(line, { className: 'error', textContent: text, id: `${place.dataset.field ?? 'entry'}-live` });
      line.dataset.live = '';
      const name = place.querySelector(':scope > legend, :scope > label');
      if (name) name.after(line);
      else place.prepend(line);
      const control = controlOf(place);
      if (control)
        control.setAttribute('aria-describedby', `${line.id} ${control.getAttribute('aria-describedby') ?? ''}`);
      return line;
    }

    function clear() {
      for (const line of form.querySelectorAll('[data-live]')) {
        for (const control of form.querySelectorAll(`[aria-describedby^="${CSS.escape(line.id)} "]`)) {
          control.setAttribute('aria-describedby', control.getAttribute('aria-describedby').slice(line.id.length + 1));
        }
        line.remove();
      }
      for (const field of form.querySelectorAll('[data-field][data-at-fault]')) {
        delete field.dataset.atFault;
        controlOf(field)?.removeAttribute('aria-invalid');
      }
    }

    /** Both have changed one field: mine goes over theirs now that I have seen it, or theirs comes into the form. */
    function decide(button) {
      if (!button) return;
      const { decide: choice, field } = button.dataset;
      const theirs = JSON.parse(button.dataset.value);
      if (choice === 'theirs' && theirs !== null && typeof theirs === 'object') {
        leaving = true;
        sessionStorage.removeItem(key);
        location.reload();
        return;
      }
      const base = JSON.parse(form.elements.base.value);
      form.elements.base.value = JSON.stringify({ ...base, [field]: theirs });
      const words = { true: 'yes', false: 'no', null: '' };
      if (choice === 'theirs') form.elements[field].value = words[String(theirs)] ?? theirs;
      form.elements[field].focus?.();
      void save();
    }

    /** What was typed before the page was lost, and never reached the service. */
    function offerLost() {
      if ('refused' in form.dataset) return keep();
      if ('done' in form.dataset) {
        // What was added has its own page now.
        const added = Object.keys(sessionStorage).filter((name) => name.startsWith('draft /admin/draft/new/'));
        for (const name of [key, ...added]) sessionStorage.removeItem(name);
      }
      const lost = JSON.parse(sessionStorage.getItem(key) ?? 'null');
      if (lost === null || lost.fields === typed()) return sessionStorage.removeItem(key);
      const offer = form.querySelector('[data-offer]');
      offer.hidden = false;
      offer.querySelector('[data-restore]').addEventListener('click', () => {
        offer.hidden = true;
        form.elements.base.value = lost.base;
        fill(form, new URLSearchParams(lost.fields));
        changed();
        form.querySelector('input:not([type="hidden"]), textarea').focus();
      });
      offer.querySelector('[data-discard]').addEventListener('click', () => {
        offer.hidden = true;
        sessionStorage.removeItem(key);
      });
    }

    /** Seen at each change; heard when it is another matter than before. */
    function say(what) {
      state.dataset.saveState = what;
      state.textContent = words[what];
      if (what === 'saving' || what === 'unsaved' || spoken.textContent === words[what]) return;
      spoken.textContent = words[what];
      if (what === 'ended') state.append(' ', link(form.dataset.signIn, words.signIn));
    }
  }

  function link(href, text) {
    const found = document.createElement('a');
    Object.assign(found, { href, target: '_blank', rel: 'noopener', textContent: text });
    return found;
  }

  /** Says who else has changed the draft since the page was made. */
  function watch(region) {
    let { revision } = region.dataset;
    setInterval(async () => {
      if (document.hidden) return;
      const address = new URL(region.dataset.others, location.href);
      address.searchParams.set('since', revision);
      const answer = await fetch(address, { headers: { accept: 'application/json' } }).catch(() => null);
      if (!answer?.ok || answer.redirected) return;
      const found = await answer.json();
      revision = found.revision;
      for (const { text, refs } of found.edits.reverse()) {
        const line = document.createElement('p');
        line.textContent = text;
        // The page shows it as it was: anew, it shows what there is now.
        if (region.dataset.entry === undefined || refs.length === 0 || refs.includes(region.dataset.entry)) {
          const anew = document.createElement('a');
          Object.assign(anew, { href: location.href.split('#')[0], textContent: region.dataset.anew });
          line.append(' ', anew);
        }
        region.prepend(line);
        while (region.children.length > 3) region.lastElementChild.remove();
      }
    }, look);
  }

  function isFilled(row) {
    return [row, ...row.querySelectorAll('input, textarea')].some(({ value }) => value);
  }

  /** One more empty line as soon as the last one is filled. */
  function addRow(rows) {
    const next = rows.lastElementChild.cloneNode(true);
    const count = rows.children.length;
    for (const field of [next, ...next.querySelectorAll('input')]) {
      if (field.tagName !== 'INPUT') continue;
      field.value = '';
      field.setAttribute('value', '');
      if (field.id) field.id = field.id.replace(/(-\d+)?$/, `-${count}`);
      field.setAttribute('aria-label', field.getAttribute('aria-label').replace(/\d+$/, String(count + 1)));
    }
    rows.append(next);
  }

  function fill(form, values) {
    for (const rows of form.querySelectorAll('.entry-rows')) {
      const names = new Set(
        [rows, ...rows.querySelectorAll('input, textarea')].map(({ name }) => name).filter(Boolean),
      );
      const wanted = Math.max(...[...names].map((name) => values.getAll(name).length));
      while (rows.children.length < wanted) addRow(rows);
    }
    const fields = [...form.elements].filter(({ name }) => name && !notTyped.includes(name));
    for (const name of new Set(fields.map((field) => field.name))) {
      const wanted = values.getAll(name);
      for (const [at, field] of fields.filter((one) => one.name === name).entries()) {
        if (field.type === 'checkbox') field.checked = wanted.includes(field.value);
        else field.value = wanted[at] ?? '';
      }
    }
  }
})();
