const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** PURE. Text made fit for element content and quoted attribute values, of pages, mail and feeds alike. */
export function escapeMarkup(text: string): string {
  // Most texts hold none of these, and a large list holds many texts.
  if (!/[&<>"']/.test(text)) return text;
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}
