// Makes the draft's forms livelier: saved while somebody writes, what others change meanwhile, rows added as
// they are filled, rows dragged to their place. Without this script the same forms are sent by their buttons.
(() => {
  const form = document.querySelector('form[data-autosave]');
  const pause = 900;
  const look = 10_000;

  // One more empty line as soon as the last one is filled.
  document.addEventListener('input', ({ target }) => {
    const rows = target.closest?.('.entry-rows');
    if (!rows) return;
    const last = rows.lastElementChild;
    const filled = [last, ...last.querySelectorAll('input')].some((field) => field.value);
    if (!filled) return;
    const next = last.cloneNode(true);
    const count = rows.children.length;
    for (const field of [next, ...next.querySelectorAll('input')]) {
      if (field.tagName !== 'INPUT') continue;
      field.value = '';
      field.setAttribute('value', '');
      if (field.id) field.id = field.id.replace(/(-\d+)?$/, `-${count}`);
      field.setAttribute('aria-label', field.getAttribute('aria-label').replace(/\d+$/, String(count + 1)));
    }
    rows.append(next);
  });

  if (form) autosave(form);
  for (const table of document.querySelectorAll('table[data-reorder]')) reorder(table);

  function autosave(form) {
    const state = form.querySelector('[data-save-state]');
    const others = form.querySelector('[data-others]');
    const key = `draft ${form.dataset.ref}`;
    const typed = () => new URLSearchParams(new FormData(form)).toString();
    const bare = () => {
      const fields = new URLSearchParams(new FormData(form));
      for (const name of ['_csrf', 'base']) fields.delete(name);
      return fields.toString();
    };
    let saved = bare();
    let timer = 0;
    let sending = false;
    let revision = null;

    // What was typed before the page was lost, and never reached the service.
    const lost = sessionStorage.getItem(key);
    if (lost !== null && lost !== saved && !document.querySelector('[role=alert]')) {
      fill(form, new URLSearchParams(lost));
      if (bare() === lost) {
        say(form.dataset.restored);
        later();
      }
    }

    form.addEventListener('input', later);
    form.addEventListener('change', later);
    form.addEventListener('submit', () => {
      clearTimeout(timer);
      saved = bare();
      sessionStorage.setItem(key, saved);
    });
    window.addEventListener('beforeunload', (event) => {
      if (bare() !== saved) event.preventDefault();
    });
    if (state.dataset.done !== 'no') sessionStorage.removeItem(key);
    setInterval(ask, look);

    function later() {
      if (bare() === saved) return;
      sessionStorage.setItem(key, bare());
      say(form.dataset.unsaved);
      clearTimeout(timer);
      timer = setTimeout(save, pause);
    }

    async function save() {
      if (sending) {
        later();
        return;
      }
      sending = true;
      const sent = bare();
      say(form.dataset.saving);
      try {
        const answer = await fetch(form.action, {
          method: 'POST',
          headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' },
          body: typed(),
        });
        const {
          base,
          faults = [],
          conflicts = [],
          revision: now,
        } = answer.headers.get('content-type')?.includes('json') ? await answer.json() : {};
        if (answer.status !== 200 && answer.status !== 422) throw new Error(String(answer.status));
        show(faults, conflicts);
        if (answer.ok) {
          form.elements.base.value = base;
          revision = now;
        }
        const whole = answer.ok && conflicts.length === 0;
        if (whole) {
          saved = sent;
          sessionStorage.removeItem(key);
        }
        say(whole ? form.dataset.saved : form.dataset.notSaved);
      } catch {
        // The session has ended, or the service is away: what was typed stays, and the button says more.
        say(form.dataset.offline);
      } finally {
        sending = false;
      }
      if (bare() !== sent) later();
    }

    /** Faults and what others wrote, beside their fields. */
    function show(faults, conflicts) {
      for (const old of form.querySelectorAll('[data-live-error]')) old.remove();
      for (const { field, message, theirs, label } of [...faults, ...conflicts]) {
        const place =
          form.querySelector(`[data-field="${CSS.escape(field ?? '')}"]`) ?? form.querySelector('.entry-actions');
        const line = document.createElement('p');
        line.className = 'error';
        line.dataset.liveError = '';
        if (message) line.lang = 'en';
        line.textContent = message ?? `${label}: ${theirs}`;
        place.querySelector(':scope > legend, :scope > label')?.after(line) ?? place.prepend(line);
      }
    }

    async function ask() {
      if (document.hidden) return;
      const answer = await fetch(
        `${form.dataset.state}${form.dataset.state.includes('?') ? '&' : '?'}since=${revision ?? 0}`,
        {
          headers: { accept: 'application/json' },
        },
      ).catch(() => null);
      if (!answer?.ok) return;
      const found = await answer.json();
      // The first look only learns where the draft stands.
      const first = revision === null;
      revision = found.revision;
      if (first) return;
      for (const { text } of found.edits.reverse()) {
        const line = document.createElement('p');
        line.textContent = text;
        others.prepend(line);
        while (others.children.length > 3) others.lastElementChild.remove();
      }
    }

    function say(text) {
      state.textContent = text;
    }
  }

  function fill(form, values) {
    const names = new Set(
      [...form.elements].map(({ name }) => name).filter((name) => name && !['_csrf', 'base'].includes(name)),
    );
    for (const name of names) {
      const wanted = values.getAll(name);
      const fields = [...form.elements].filter((field) => field.name === name);
      for (const [at, field] of fields.entries()) {
        if (field.type === 'checkbox') field.checked = wanted.includes(field.value);
        else field.value = wanted[at] ?? '';
      }
    }
  }

  function reorder(table) {
    let dragged = null;
    for (const row of table.querySelectorAll('tbody tr')) {
      row.draggable = true;
      row.addEventListener('dragstart', (event) => {
        dragged = row;
        event.dataTransfer.effectAllowed = 'move';
        row.classList.add('dragged');
      });
      row.addEventListener('dragend', () => {
        row.classList.remove('dragged');
        for (const one of table.querySelectorAll('.drop-target')) one.classList.remove('drop-target');
      });
      row.addEventListener('dragover', (event) => {
        if (!dragged || dragged === row) return;
        event.preventDefault();
        for (const one of table.querySelectorAll('.drop-target')) one.classList.remove('drop-target');
        row.classList.add('drop-target');
      });
      row.addEventListener('drop', (event) => {
        event.preventDefault();
        if (!dragged || dragged === row) return;
        const move = dragged.querySelector('form.move');
        const to = document.createElement('input');
        to.type = 'hidden';
        to.name = 'to';
        to.value = row.dataset.place;
        move.append(to);
        move.submit();
      });
    }
  }
})();
