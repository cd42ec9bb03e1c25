// Puts the published list, or a part of it, into the page that loads this script; see docs/embedding.md. It needs
// no right but to run and to ask our address: it writes no markup, no style attribute, keeps nothing, and
// builds each element itself, so that a page with Trusted Types can take it.
(() => {
  const script = document.currentScript;
  if (script === null) return;
  const base = new URL('.', script.src);
  const { as, for: frameId, into, part, lang } = script.dataset;
  const names =
    /^(a|abbr|address|article|aside|b|bdi|blockquote|br|caption|code|dd|del|details|div|dl|dt|em|h[2-6]|hr|i|ins|li|nav|ol|p|section|small|span|strong|summary|table|tbody|td|th|thead|time|tr|ul)$/;
  const plain = /^(aria-[a-z]+|class|colspan|data-label|datetime|dir|id|lang|open|rel|role|rowspan|scope|start|title)$/;
  const sheet = (css) => {
    const made = new CSSStyleSheet();
    made.replaceSync(css);
    return made;
  };

  if (frameId !== undefined) {
    const frame = document.getElementById(frameId);
    if (frame !== null) follow(frame);
    return;
  }
  const place = placeOf();
  if (as === 'frame') place.replaceChildren(makeFrame());
  // Whatever fails, what stood there stands there still: the link to our page.
  else show().catch(reportError);

  /** Where it goes: into the element that is named, else behind the script. */
  function placeOf() {
    const named = into === undefined ? null : document.getElementById(into);
    if (named !== null) return named;
    const made = document.createElement('div');
    const link = document.createElement('a');
    link.href = base.href;
    link.textContent = base.href;
    made.append(link);
    script.after(made);
    return made;
  }

  /** Our languages have two letters; the page's own is taken where none is named. */
  function queryOf(extra = {}) {
    const language = (lang ?? place.closest('[lang]')?.lang ?? '').slice(0, 2).toLowerCase();
    const given = Object.entries({ part, lang: language, ...extra }).filter(([, value]) => value);
    return new URLSearchParams(given);
  }

  async function show() {
    const answer = await fetch(new URL(`embed.json?${queryOf()}`, base), { credentials: 'omit' });
    if (!answer.ok) throw new Error(`answers ${answer.status}`);
    const { lang: language, dir, css, nodes } = await answer.json();
    const host = document.createElement('div');
    const root = host.attachShadow({ mode: 'open' });
    root.adoptedStyleSheets = [sheet(css)];
    const body = document.createElement('div');
    body.className = 'subnotice';
    body.lang = language;
    body.dir = dir;
    for (const node of nodes) body.append(elementOf(node));
    root.append(body);
    root.addEventListener('click', (event) => leadWithin(event, root));
    place.replaceChildren(host);
  }

  function elementOf(node) {
    if (typeof node === 'string') return document.createTextNode(node);
    const [name, attributes, ...children] = node;
    const element = document.createElement(names.test(name) ? name : 'span');
    for (const [key, value] of Object.entries(attributes)) {
      if (plain.test(key) || (key === 'href' && /^(https?|mailto):/.test(value))) element.setAttribute(key, value);
    }
    for (const child of children) element.append(elementOf(child));
    return element;
  }

  /** A link to what is shown here leads there; its address would lead to our page. */
  function leadWithin(event, root) {
    const link = event.target.closest('a[href*="#"]');
    if (link === null || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const { origin, pathname, hash } = new URL(link.href);
    if (origin + pathname !== base.href) return;
    const target = root.getElementById(decodeURIComponent(hash.slice(1)));
    if (target === null) return;
    event.preventDefault();
    target.tabIndex = -1;
    target.focus({ preventScroll: true });
    target.scrollIntoView();
  }

  function makeFrame() {
    const frame = document.createElement('iframe');
    frame.title = place.textContent.trim();
    frame.width = '100%';
    frame.setAttribute('frameborder', '0');
    frame.src = new URL(`embed?${queryOf(lookOf())}`, base).href;
    follow(frame);
    return frame;
  }

  /** As high as its content: an attribute, as a page may forbid styles. */
  function follow(frame) {
    window.addEventListener('message', ({ data, origin, source }) => {
      if (source !== frame.contentWindow || origin !== base.origin || data?.subnotice !== 'size') return;
      if (Number.isFinite(data.height)) frame.height = String(Math.min(Math.max(data.height, 0), 1_000_000));
      if (typeof data.title === 'string') frame.title = data.title;
    });
    // A frame that is there already has told its height before anybody listened.
    frame.contentWindow?.postMessage({ subnotice: 'ask' }, '*');
  }

  /** A frame inherits nothing: what this place would hand down goes along in the address. */
  function lookOf() {
    const { color, fontFamily } = getComputedStyle(place);
    const font = fontFamily
      .split(',')
      .map((name) => name.trim().replace(/^["']|["']$/g, ''))
      .filter((name) => /^[\p{L}\p{N}][\p{L}\p{N} -]{0,49}$/u.test(name));
    const [text, background] = [hexOf(color), groundOf()];
    const colours = text === null || background === null ? {} : { color: text, background };
    return { font: font.slice(0, 8).join(','), ...colours };
  }

  function groundOf() {
    for (let element = place; element !== null; element = element.parentElement) {
      const ground = hexOf(getComputedStyle(element).backgroundColor);
      if (ground !== null) return ground;
    }
    return null;
  }

  /** Null: it is see-through, or in a notation that has no six digits. */
  function hexOf(color) {
    const [, ...channels] = /^rgb\((\d+), (\d+), (\d+)\)$/.exec(color) ?? [];
    if (channels.length === 0) return null;
    return channels.map((channel) => Number(channel).toString(16).padStart(2, '0')).join('');
  }
})();
