import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from '../../config.js';

/*
 * The cookie that a browser gets when it sends the form: a random nonce and our signature. It lets that
 * very browser confirm by opening the link, without the button; it names nobody and is read nowhere else.
 */

const nonceBytes = 16;
/** As long as a link to confirm is good. */
const lifeSeconds = 48 * 60 * 60;
const shape = /^([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43})$/;

/** The nonce of the browser, if the cookie is one that we signed. */
export function browserNonceOf(
  request: FastifyRequest,
  config: Pick<Config, 'secretKeys' | 'publicUrl'>,
): string | null {
  const [, nonce, signature] = shape.exec(request.cookies[cookieName(config)] ?? '') ?? [];
  if (nonce === undefined || signature === undefined) return null;
  const given = Buffer.from(signature);
  const fits = config.secretKeys.filter((key) => timingSafeEqual(given, Buffer.from(sign(key, nonce))));
  return fits.length > 0 ? nonce : null;
}

/**
 * Sets the cookie, with the browser's own nonce where it has one: the same name and length for everybody,
 * so that it tells nothing of the address.
 * @returns the nonce
 */
export function keepBrowserNonce(
  request: FastifyRequest,
  reply: FastifyReply,
  config: Pick<Config, 'secretKeys' | 'publicUrl'>,
): string {
  const nonce = browserNonceOf(request, config) ?? randomBytes(nonceBytes).toString('base64url');
  const key = config.secretKeys[0];
  if (key === undefined) throw new Error('no SECRET_KEY');
  reply.setCookie(cookieName(config), `${nonce}.${sign(key, nonce)}`, {
    path: '/',
    httpOnly: true,
    sameSite: 'lax',
    secure: isSecure(config),
    maxAge: lifeSeconds,
  });
  return nonce;
}

/** `__Host-` binds a cookie to the host and to https; browsers refuse the prefix without both. */
function cookieName(config: Pick<Config, 'publicUrl'>): string {
  return isSecure(config) ? '__Host-browser' : 'browser';
}

function isSecure(config: Pick<Config, 'publicUrl'>): boolean {
  return config.publicUrl.startsWith('https:');
}

function sign(key: string, nonce: string): string {
  return createHmac('sha256', key).update(`browser\0${nonce}`).digest('base64url');
}
