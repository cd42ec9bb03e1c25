// Filters the list while somebody types. Without this script, and on Enter, the form asks the server.
(() => {
  const form = document.querySelector('[data-filter]');
  const field = form?.querySelector('input[name=q]');
  const said = form?.querySelector('[role=status]');
  if (!field || !said) return;

  // As list/filter.ts does: "zurich" finds "Zürich".
  const fold = (text) =>
    text
      .normalize('NFKD')
      .replace(/\p{M}+/gu, '')
      .toLowerCase();
  const numbers = new Intl.NumberFormat(document.documentElement.lang);
  let vendors = null;

  // Read when it is first needed: a list may have thousands.
  const read = () => {
    const contents = new Map(
      [...document.querySelectorAll('.contents a')].map((link) => [link.hash.slice(1), link.closest('li')]),
    );
    return [...document.querySelectorAll('.vendor')].map((vendor) => ({
      parts: [vendor, contents.get(vendor.id)].filter(Boolean),
      text: fold(
        [...vendor.querySelectorAll('.vendor-name, .entry-name, .badge, address, dd')]
          .map(({ textContent }) => textContent)
          .join(' '),
      ),
    }));
  };

  const filter = () => {
    const words = fold(field.value).split(/\s+/).filter(Boolean);
    if (vendors === null && words.length === 0) return;
    vendors ??= read();
    let count = 0;
    for (const { parts, text } of vendors) {
      const isFound = words.every((word) => text.includes(word));
      if (isFound) count += 1;
      for (const part of parts) part.hidden = !isFound;
    }
    for (const group of document.querySelectorAll('.group-heading')) {
      group.hidden = group.nextElementSibling?.querySelector('.vendor:not([hidden])') === null;
    }
    said.textContent =
      words.length === 0
        ? ''
        : said.dataset.shown
            .replace('{count}', numbers.format(count))
            .replace('{total}', numbers.format(vendors.length));
  };

  let waiting;
  field.addEventListener('input', () => {
    clearTimeout(waiting);
    waiting = setTimeout(filter, 120);
  });
  filter();
})();
