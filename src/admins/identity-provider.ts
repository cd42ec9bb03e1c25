import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  type ClientAuth,
  ClientSecretBasic,
  ClientSecretPost,
  type Configuration,
  calculatePKCECodeChallenge,
  clockTolerance,
  discovery,
  enableNonRepudiationChecks,
  fetchUserInfo,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
} from 'openid-client';
import { z } from 'zod';
import type { Config } from '../config.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import type { ProvenIdentity } from './oidc.js';

/*
 * Sign-in at an OpenID Connect provider: the authorization code flow with PKCE (RFC 7636), state and nonce.
 * The ID token's signature is checked as well, though it comes straight from the provider.
 */

/** What the browser that began keeps until it comes back, and no other has. */
export const pendingSchema = z.object({ state: z.string(), nonce: z.string(), verifier: z.string() });
export type PendingSignIn = z.infer<typeof pendingSchema>;

export interface IdentityProvider {
  /** Where to send the browser. Refuses `provider.away`. */
  begin(redirectUri: string): Promise<{ url: string; pending: PendingSignIn }>;
  /**
   * Who came back.
   * @param callback the whole address that the browser was sent to, below PUBLIC_URL
   * Refuses `provider.refused` for an answer that does not hold, and `provider.away`.
   */
  finish(callback: URL, pending: PendingSignIn): Promise<ProvenIdentity>;
}

const keptMs = 60 * 60 * 1000;
/** How soon a provider that does not answer is asked again. */
const pauseMs = 5_000;
const timeoutSeconds = 10;
const toleranceSeconds = 30;

const claimsSchema = z.object({
  email: z.string().max(1_000).optional().catch(undefined),
  // Some providers write it as a word.
  email_verified: z
    .union([z.boolean(), z.literal('true').transform(() => true)])
    .optional()
    .catch(undefined),
});

/** The provider of the settings; nothing is asked of it before somebody signs in. */
export function createIdentityProvider(
  settings: NonNullable<Config['oidc']>,
  { now, log }: Pick<Deps, 'now' | 'log'>,
): IdentityProvider {
  let known: { configuration: Configuration; until: number } | null = null;
  let looking: Promise<Configuration> | null = null;
  let pausedUntil = 0;

  /** What the provider says of itself, kept for an hour; what was known is good for as long as it is away. */
  async function configured(): Promise<Configuration> {
    const moment = now().getTime();
    if (known !== null && moment < known.until) return known.configuration;
    if (known === null && moment < pausedUntil) throw away();
    looking ??= discover(settings).finally(() => {
      looking = null;
    });
    try {
      const configuration = await looking;
      known = { configuration, until: moment + keptMs };
      return configuration;
    } catch (error) {
      log.warn({ code: codeOf(error) }, 'the identity provider could not be discovered');
      pausedUntil = moment + pauseMs;
      if (known === null) throw away();
      known = { ...known, until: pausedUntil };
      return known.configuration;
    }
  }

  return {
    async begin(redirectUri) {
      const configuration = await configured();
      const pending = { state: randomState(), nonce: randomNonce(), verifier: randomPKCECodeVerifier() };
      const url = buildAuthorizationUrl(configuration, {
        redirect_uri: redirectUri,
        scope: 'openid email',
        state: pending.state,
        nonce: pending.nonce,
        code_challenge: await calculatePKCECodeChallenge(pending.verifier),
        code_challenge_method: 'S256',
      });
      return { url: url.href, pending };
    },

    async finish(callback, { state, nonce, verifier }) {
      const configuration = await configured();
      try {
        const tokens = await authorizationCodeGrant(configuration, callback, {
          expectedState: state,
          expectedNonce: nonce,
          pkceCodeVerifier: verifier,
          idTokenExpected: true,
        });
        const claims = tokens.claims();
        if (claims === undefined) throw new Error('there is no ID token');
        const own = claimsSchema.parse(claims);
        const { email, email_verified: verified } =
          own.email !== undefined
            ? own
            : claimsSchema.parse(await fetchUserInfo(configuration, tokens.access_token, claims.sub));
        return { issuer: claims.iss, subject: claims.sub, email: email ?? null, emailVerified: verified === true };
      } catch (error) {
        const code = codeOf(error);
        log.warn({ code }, 'the identity provider signed nobody in');
        if (isAway(error)) throw away();
        throw new Refusal('provider.refused', 'The answer of the identity provider does not hold.');
      }
    },
  };
}

async function discover({ issuer, clientId, clientSecret }: NonNullable<Config['oidc']>): Promise<Configuration> {
  // Without https only on this machine, which the settings have made sure of.
  const insecure = issuer.startsWith('http:') ? [allowInsecureRequests] : [];
  return discovery(
    new URL(issuer),
    clientId,
    { client_secret: clientSecret, [clockTolerance]: toleranceSeconds },
    authenticateBy(clientSecret),
    { execute: [...insecure, enableNonRepudiationChecks], timeout: timeoutSeconds },
  );
}

/** In the body where the provider takes that: of Basic they have different readings (RFC 6749, 2.3.1). */
function authenticateBy(secret: string): ClientAuth {
  const [post, basic] = [ClientSecretPost(secret), ClientSecretBasic(secret)];
  return (server, client, body, headers) => {
    const inBody = server.token_endpoint_auth_methods_supported?.includes('client_secret_post') === true;
    return (inBody ? post : basic)(server, client, body, headers);
  };
}

function away(): Refusal {
  return new Refusal('provider.away', 'The identity provider does not answer at the moment.', [], 10);
}

/** A provider that cannot be reached, or fails by itself; anything else is an answer. */
function isAway(error: unknown): boolean {
  if (codeOf(error) === 'OAUTH_TIMEOUT') return true;
  if (!(error instanceof Error)) return false;
  if (error instanceof TypeError && !('code' in error)) return true;
  const answer = error.cause instanceof Response ? error.cause : error;
  return 'status' in answer && typeof answer.status === 'number' && answer.status >= 500;
}

/** What may be logged of a fault: its message may hold what the provider or the browser sent. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
