import { type LinkPurpose, readLink, signLink } from './tokens.js';

/*
 * PURE. Links of a test: signed as every other, but in the name of nobody. They lead to a page that says so,
 * do nothing, and show that our own service answers at the public address.
 */

/** No row has this number. */
const nobody = 0;

export function testLink(keys: readonly string[], purpose: LinkPurpose): string {
  return signLink(keys, purpose, nobody);
}

export function isTestLink(keys: readonly string[], purpose: LinkPurpose, token: string): boolean {
  return readLink(keys, purpose, token) === nobody;
}

/** The header by which the answer to a test link is told from anybody else's: a proxy's page, another server. */
export const testLinkProof = { header: 'x-subnotice', value: 'test-link' } as const;
