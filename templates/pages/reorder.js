// Rows that can be dragged to their place, by a handle. The buttons of each row do the same without it.
(() => {
  for (const body of document.querySelectorAll('[data-reorder]')) reorder(body);

  function reorder(body) {
    let dragged = null;
    const rows = [...body.children];
    for (const row of rows) {
      const handle = document.createElement('span');
      handle.className = 'drag-handle';
      handle.title = body.dataset.reorder;
      handle.setAttribute('aria-hidden', 'true');
      handle.textContent = '⠿';
      (row.querySelector('[data-handle]') ?? row).prepend(handle);
      // Elsewhere in the row text can be marked and links be dragged, as everywhere.
      handle.addEventListener('pointerdown', () => {
        row.draggable = true;
      });
      handle.addEventListener('pointerup', () => {
        row.draggable = false;
      });
      row.addEventListener('dragstart', (event) => {
        if (!row.draggable) return;
        dragged = row;
        event.dataTransfer.effectAllowed = 'move';
        event.dataTransfer.setData('text/plain', row.id);
        row.classList.add('dragged');
      });
      row.addEventListener('dragend', () => {
        row.draggable = false;
        row.classList.remove('dragged');
        mark(null);
        dragged = null;
      });
      row.addEventListener('dragover', (event) => {
        if (!dragged || dragged === row) return;
        event.preventDefault();
        mark(row);
      });
      row.addEventListener('drop', (event) => {
        if (!dragged || dragged === row) return;
        event.preventDefault();
        send(dragged, row.dataset.place);
      });
    }

    function mark(target) {
      for (const row of rows) {
        row.classList.toggle('drop-before', row === target && isBefore(row, dragged));
        row.classList.toggle('drop-after', row === target && !isBefore(row, dragged));
      }
    }

    function isBefore(row, other) {
      return other !== null && rows.indexOf(row) < rows.indexOf(other);
    }
  }

  function send(row, place) {
    const form = row.querySelector('form.move');
    const to = document.createElement('input');
    Object.assign(to, { type: 'hidden', name: 'to', value: place });
    form.append(to);
    form.submit();
  }
})();
