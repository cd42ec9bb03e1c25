/** An element of an XML document. */
export interface XmlElement {
  name: string;
  attributes: Record<string, string>;
  children: XmlElement[];
  /** Its own text, CDATA sections included, entities decoded once. */
  text: string;
}

const token =
  /<!\[CDATA\[(?<cdata>[\s\S]*?)\]\]>|<\/(?<end>[\w:.-]+)\s*>|<(?<start>[\w:.-]+)(?<attributes>(?:\s+[\w:.-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(?<empty>\/?)>|(?<text>[^<]+)/gy;

/** Reads XML as feed readers do: what is not well-formed throws. */
export function readXml(source: string): XmlElement {
  const body = source.replace(/^\s*<\?xml [^?]*\?>\s*/, '');
  const root: XmlElement = { name: '', attributes: {}, children: [], text: '' };
  const open = [root];
  let end = 0;
  for (const found of body.matchAll(token)) {
    const { cdata, end: closed, start, attributes = '', empty, text } = found.groups ?? {};
    const current = open.at(-1) ?? root;
    end = found.index + found[0].length;
    if (cdata !== undefined) current.text += cdata;
    else if (text !== undefined) current.text += decode(text);
    else if (closed !== undefined) {
      if (open.pop()?.name !== closed || open.length === 0) throw new Error(`</${closed}> closes nothing`);
    } else if (start !== undefined) {
      const element: XmlElement = { name: start, attributes: attributesOf(attributes), children: [], text: '' };
      current.children.push(element);
      if (empty === '') open.push(element);
    }
  }
  if (end !== body.length) throw new Error(`not well-formed at: ${body.slice(end, end + 60)}`);
  const [element] = root.children;
  if (open.length > 1 || root.children.length > 1 || element === undefined || root.text.trim() !== '') {
    throw new Error('not one element');
  }
  return element;
}

export function childOf(element: XmlElement, name: string): XmlElement {
  const found = element.children.find((child) => child.name === name);
  if (found === undefined) throw new Error(`<${element.name}> has no <${name}>`);
  return found;
}

function attributesOf(source: string): Record<string, string> {
  const pairs = [...source.matchAll(/([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g)];
  return Object.fromEntries(pairs.map(([, name = '', double, single]) => [name, decode(double ?? single ?? '')]));
}

function decode(text: string): string {
  if (text.includes(']]>')) throw new Error('"]]>" stands in a text');
  return text.replace(/&([^;&]{0,10};)?/g, (whole, name: string | undefined) => {
    const known: Record<string, string> = { 'lt;': '<', 'gt;': '>', 'amp;': '&', 'quot;': '"', 'apos;': "'" };
    const character = name === undefined ? undefined : known[name];
    if (character !== undefined) return character;
    const code = /^#(?:x([0-9a-f]+)|(\d+));$/i.exec(name ?? '');
    if (code === null) throw new Error(`no entity of XML: ${whole}`);
    return String.fromCodePoint(code[1] === undefined ? Number(code[2]) : Number.parseInt(code[1], 16));
  });
}
