import { domainToASCII, domainToUnicode } from 'node:url';

/*
 * PURE. The one rule for what an address is. It is narrower than RFC 5321 and 6531 on purpose:
 * quoted local parts, comments, address literals and lists are what mail libraries disagree
 * about, and disagreement about an address is mail to somebody else.
 */

export interface Address {
  /** As it is mailed: local part as typed (NFC), domain in lower case as A-labels. */
  address: string;
  /** As it is compared: one person, however it was typed. Plus-addresses are other people. */
  key: string;
}

// ASCII: the atom of RFC 5322, 3.2.3. Beyond it letters, marks and digits of every script: nothing
// that is invisible, turns the direction of text, or looks like "@" or a quote.
const atom = /[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+/u.source;
const localPart = new RegExp(String.raw`^${atom}(?:\.${atom})*$`, 'u');
const typedDomain = /^[\p{L}\p{M}\p{N}.\u3002-]+$/u;
const label = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
const asciiDomain = new RegExp(String.raw`^(?:${label}\.)+${label}$`);

const encoder = new TextEncoder();
const bytes = (text: string) => encoder.encode(text).length;

/**
 * Reads an address as a person types it, surrounding space put aside.
 * @returns null for what is no address by the rule: RFC 5321 4.5.3.1 (local part of 64 bytes,
 *   254 in all), one `@`, a domain of at least two labels that IDNA can carry
 */
export function parseAddress(text: string): Address | null {
  if (text.length > 1_000) return null;
  const trimmed = text.trim().normalize('NFC');
  const at = trimmed.indexOf('@');
  if (at < 1 || at !== trimmed.lastIndexOf('@')) return null;

  const local = trimmed.slice(0, at);
  if (!localPart.test(local) || bytes(local) > 64) return null;
  const domain = readDomain(trimmed.slice(at + 1));
  if (domain === null) return null;

  const address = `${local}@${domain}`;
  if (bytes(address) > 254) return null;
  return { address, key: `${local.toLowerCase().normalize('NFC')}@${domain}` };
}

/** Whether a relay needs SMTPUTF8 for it (RFC 6531): a domain never does, it is in A-labels. */
export function needsSmtpUtf8(address: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range is all of ASCII
  return !/^[\u0000-\u007f]*$/.test(address);
}

/** The address for a page that anybody with a forwarded mail may open: `a•••@e•••.org`. */
export function maskAddress(address: string): string {
  const at = address.lastIndexOf('@');
  const local = address.slice(0, at);
  const domain = domainToUnicode(address.slice(at + 1)) || address.slice(at + 1);
  const dot = domain.lastIndexOf('.');
  return `${first(local)}•••@${first(domain)}•••${dot < 0 ? '' : domain.slice(dot)}`;
}

/** Words of another mail system for a place where no address may stand. */
export function withoutAddresses(text: string): string {
  return text.replace(/[^\s<>()",;:]+@[^\s<>()",;:]+/g, '[address]');
}

function readDomain(typed: string): string | null {
  if (!typedDomain.test(typed)) return null;
  const domain = domainToASCII(typed);
  if (!asciiDomain.test(domain) || domain.length > 253) return null;
  // "10.0.0.1", and what the URL parser takes for one ("0x7f.1"), is no domain.
  return /\.[0-9]+$/.test(domain) ? null : domain;
}

function first(text: string): string {
  return [...text][0] ?? '';
}
