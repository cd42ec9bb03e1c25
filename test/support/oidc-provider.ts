import { createSign, generateKeyPairSync } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import Provider, { type JWKS } from 'oidc-provider';
import type { Test } from 'tap';
import { z } from 'zod';
import { freePort } from './process.js';

/*
 * A real OpenID Connect provider on a port of its own, at which whoever comes is signed in as the person
 * that the test has named.
 */

export interface Person {
  sub: string;
  email?: string;
  email_verified?: boolean;
}

/** Makes another ID token of the one that the provider has signed. */
export type Forgery = (token: {
  header: Record<string, unknown>;
  claims: Record<string, unknown>;
  /** With the provider's own key, unless `stranger`: then with another of the same name. */
  sign(header: Record<string, unknown>, claims: Record<string, unknown>, stranger?: boolean): string;
}) => string;

export interface TestProvider {
  issuer: string;
  /** Who sits at the browser; null: they cancel. */
  person: Person | null;
  forge: Forgery | null;
  /** Answers every request with 503. */
  away: boolean;
  /** How often each of its addresses was asked for. */
  asked: Map<string, number>;
  /** What the browser does there, from our link to the address that it is sent back to. */
  visit(url: string): Promise<string>;
}

export const client = { id: 'subnotice', secret: 'a-secret-of-the-client-in-tests' };

export async function startProvider(t: Test, redirectUri: string): Promise<TestProvider> {
  const own = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  const port = await freePort();
  const issuer = `http://127.0.0.1:${port}`;
  const jwk = own.export({ format: 'jwk' });
  const jwks: JWKS = { keys: [{ ...jwk, kty: 'RSA', kid: 'one', use: 'sig', alg: 'RS256' }] };
  const state: TestProvider = { issuer, person: null, forge: null, away: false, asked: new Map(), visit };
  const provider = new Provider(issuer, {
    jwks,
    clients: [
      { client_id: client.id, client_secret: client.secret, redirect_uris: [redirectUri] },
      { client_id: 'another', client_secret: 'a-secret-of-another-client', redirect_uris: [redirectUri] },
    ],
    cookies: { keys: ['only-for-tests'] },
    claims: { openid: ['sub'], email: ['email', 'email_verified'] },
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_ctx, { uid }) => `/interaction/${uid}` },
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: async () => ({ ...state.person, sub }) }),
    async loadExistingGrant({ oidc }) {
      const { client: app, session } = oidc;
      if (app === undefined || session?.accountId === undefined) return undefined;
      const grant = new provider.Grant({ clientId: app.clientId, accountId: session.accountId });
      grant.addOIDCScope('openid email');
      await grant.save();
      return grant;
    },
    ttl: { AccessToken: 60, AuthorizationCode: 60, IdToken: 60, Interaction: 60, Session: 60, Grant: 60 },
  });
  const answer = provider.callback();
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', issuer).pathname;
    state.asked.set(path, (state.asked.get(path) ?? 0) + 1);
    if (state.away) {
      response.writeHead(503).end();
      return;
    }
    if (path.startsWith('/interaction/')) {
      const result =
        state.person === null
          ? { error: 'access_denied', error_description: 'they cancelled' }
          : { login: { accountId: state.person.sub } };
      void provider.interactionFinished(request, response, result);
      return;
    }
    if (path === '/token' && state.forge !== null) forgeAnswer(response, state.forge);
    void answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });

  function forgeAnswer(response: ServerResponse, forge: Forgery): void {
    const end = response.end.bind(response);
    response.end = (body: unknown, ...rest: unknown[]) => {
      const answer = z
        .object({ id_token: z.string() })
        .loose()
        .parse(JSON.parse(String(body)));
      const [header = '', claims = ''] = answer.id_token.split('.');
      const id_token = forge({ header: decode(header), claims: decode(claims), sign });
      const text = JSON.stringify({ ...answer, id_token });
      response.setHeader('content-length', Buffer.byteLength(text));
      void rest;
      return end(text);
    };
  }

  function sign(header: Record<string, unknown>, claims: Record<string, unknown>, isStranger = false): string {
    const content = `${encode(header)}.${encode(claims)}`;
    const signature = createSign('RSA-SHA256')
      .update(content)
      .sign(isStranger ? stranger : own);
    return `${content}.${signature.toString('base64url')}`;
  }

  return state;

  async function visit(url: string): Promise<string> {
    const cookies = new Map<string, string>();
    let next = url;
    for (let steps = 0; steps < 10; steps += 1) {
      const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
      const response = await fetch(next, { redirect: 'manual', headers: { cookie } });
      for (const line of response.headers.getSetCookie()) {
        const [pair = ''] = line.split(';');
        const at = pair.indexOf('=');
        cookies.set(pair.slice(0, at), pair.slice(at + 1));
      }
      const location = response.headers.get('location');
      if (location === null) throw new Error(`the provider answers ${response.status}: ${await response.text()}`);
      next = new URL(location, next).href;
      if (!next.startsWith(issuer)) return next;
    }
    throw new Error('the provider sends the browser in circles');
  }
}

function decode(part: string): Record<string, unknown> {
  return z.record(z.string(), z.unknown()).parse(JSON.parse(Buffer.from(part, 'base64url').toString('utf8')));
}

function encode(value: Record<string, unknown>): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
