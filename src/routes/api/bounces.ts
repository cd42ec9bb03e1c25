import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AppDeps } from '../../app.js';
import { receiveReport } from '../../bounces/receive.js';
import { believesSignatures, receiveSigned } from '../../bounces/receive-signed.js';
import { reportKinds } from '../../bounces/report.js';
import { createSnsWeb, type SnsWeb } from '../../bounces/sns-web.js';
import { Refusal } from '../../errors.js';
import { countedGuesses } from '../guard.js';

/** `text/plain` is what Amazon SNS calls its JSON, and what some programs call a mail. */
const mediaTypes = ['message/rfc822', 'multipart/report', 'application/json', 'text/plain', 'application/octet-stream'];

/**
 * Takes reports of what became of mails: whoever sends one says who they are, since it takes people off
 * the list. By a bearer token, by the password in the URL that a provider was given, or by the provider's signature.
 * @param snsWeb the way to Amazon SNS
 */
export function bounceRoutes(deps: AppDeps, snsWeb: SnsWeb = createSnsWeb()): FastifyPluginAsync {
  return async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser<Buffer>(
      mediaTypes,
      { parseAs: 'buffer' },
      async (_request: unknown, body: Buffer) => body,
    );
    const guesses = countedGuesses(scope);
    scope.withTypeProvider<ZodTypeProvider>().post(
      '/api/v1/bounces',
      {
        config: { permission: 'editor', takesPassword: true, takesSignature: believesSignatures(deps.config) },
        bodyLimit: 1024 * 1024,
        schema: {
          operationId: 'receiveBounce',
          tags: ['deliveries'],
          summary: 'A report of what became of mails: a bounce, a complaint, or events of a mail provider',
          description:
            'A delivery status notification (RFC 3464) or a complaint (RFC 5965) whole as it arrived by mail, or the JSON of Amazon SES (by SNS), Postmark, SendGrid or Mailgun. Instead of a bearer token: HTTP Basic with a token as the password, or the signature of a provider whose key or topic the settings name.',
          consumes: mediaTypes,
          security: [{ bearer: [] }, { basic: [] }, {}],
          body: z.custom<Buffer>(Buffer.isBuffer, 'is missing: send the report as message/rfc822, or events as JSON'),
          response: { 200: z.object({ results: z.array(resultSchema) }) },
        },
      },
      async (request) => {
        const { actor, headers, body } = request;
        const type = headers['content-type'] ?? '';
        const report = { contentType: type, body };
        if (actor !== null) return { results: await receiveReport({ ...deps, snsWeb }, report, actor) };
        await guesses.refuseTooMany(request);
        const results = await receiveSigned({ ...deps, snsWeb }, { headers, body }).catch((error) =>
          count(error, request),
        );
        return { results };
      },
    );

    /** A forged signature is a guess as a wrong token is. */
    async function count(error: unknown, request: FastifyRequest): Promise<never> {
      if (error instanceof Refusal && error.code === 'bearer.missing') await guesses.count(request);
      throw error;
    }
  };
}

const resultSchema = z.object({
  outcome: z
    .enum(['bounced', 'complaint', 'noted', 'known', 'unmatched', 'not-a-report', 'subscribed'])
    .describe('`unmatched`: no mail of ours; `noted`: kept, and nothing follows'),
  kind: z.enum(reportKinds).nullable(),
  delivery: z.number().int().nullable(),
  suppressed: z.boolean().describe('Whether nothing more goes to the address by this report'),
});
