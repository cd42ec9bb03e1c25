import { Tokenizer } from 'parse5';

/*
 * PURE. XML that programs write, as a run of tags and texts. The tokenizer is the one of HTML: for the XML of a
 * workbook, which knows no document type and no entities of its own, both say the same; names come in lower case.
 */

export interface XmlReader {
  /** @param name without its prefix */
  open(name: string, attributes: ReadonlyMap<string, string>): void;
  close(name: string): void;
  text(text: string): void;
}

/** Calls the reader for each tag and text in their order; an empty tag opens and closes. Never fails. */
export function readXml(xml: string, reader: XmlReader): void {
  const local = (name: string) => name.slice(name.indexOf(':') + 1);
  const text = (token: { chars: string }) => reader.text(token.chars);
  const ignore = () => {};
  const tokenizer = new Tokenizer(
    {},
    {
      onStartTag: ({ tagName, attrs, selfClosing }) => {
        // `r:id` and `id` are two attributes: both names lead to it, the full one first.
        const attributes = new Map<string, string>();
        for (const { name, value } of attrs) attributes.set(name, value);
        for (const { name, value } of attrs) if (!attributes.has(local(name))) attributes.set(local(name), value);
        reader.open(local(tagName), attributes);
        if (selfClosing) reader.close(local(tagName));
      },
      onEndTag: ({ tagName }) => reader.close(local(tagName)),
      onCharacter: text,
      onWhitespaceCharacter: text,
      onNullCharacter: ignore,
      onComment: ignore,
      onDoctype: ignore,
      onEof: ignore,
    },
  );
  tokenizer.inForeignNode = true;
  tokenizer.write(xml, true);
}
