import { Secret, TOTP } from 'otpauth';

/*
 * Time-based one-time codes (RFC 6238): HMAC-SHA-1, six digits, thirty seconds, as every authenticator app knows
 * them. The step before and the one after are taken as well, since clocks differ (RFC 6238, 5.2).
 */

const secondsOfStep = 30;
const toleratedSteps = 1;
/** What RFC 4226, 4 (R6) asks for. */
export const secretBytes = 20;

/** The time step that a code belongs to, about now; null when it is of none. */
export function stepOfCode(secret: Uint8Array, code: string, now: Date): number | null {
  const timestamp = now.getTime();
  const delta = totpOf(secret).validate({ token: code, timestamp, window: toleratedSteps });
  return delta === null ? null : Math.floor(timestamp / 1_000 / secondsOfStep) + delta;
}

/** The secret as people type it: Base32 in groups of four. */
export function secretAsText(secret: Uint8Array): string {
  return base32(secret).replace(/(.{4})(?=.)/g, '$1 ');
}

/** What an authenticator app reads from the QR code. */
export function secretAsUri(secret: Uint8Array, account: { issuer: string; label: string }): string {
  return totpOf(secret, account).toString();
}

function base32(secret: Uint8Array): string {
  return secretOf(secret).base32;
}

function totpOf(secret: Uint8Array, account: { issuer?: string; label?: string } = {}): TOTP {
  return new TOTP({ ...account, secret: secretOf(secret), algorithm: 'SHA1', digits: 6, period: secondsOfStep });
}

function secretOf(secret: Uint8Array): Secret {
  const { buffer } = Uint8Array.from(secret);
  return new Secret({ buffer });
}
