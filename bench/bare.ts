import { readFileSync } from 'node:fs';
import Fastify from 'fastify';
import { z } from 'zod';

/*
 * The reference of `bench/public.ts`, in a process of its own: a Fastify that does nothing but send the bytes and
 * headers that the service has sent. `node --import tsx bench/bare.ts PORT FILE`
 */

const Answers = z.array(
  z.object({
    path: z.string(),
    coding: z.string(),
    etag: z.string(),
    headers: z.record(z.string(), z.string()),
    /** Of a 304. */
    validators: z.record(z.string(), z.string()),
    body: z.string(),
  }),
);

const [, , port = '0', file = ''] = process.argv;
const app = Fastify();
const answers = Answers.parse(JSON.parse(readFileSync(file, 'utf8')));
for (const path of new Set(answers.map((answer) => answer.path))) {
  const byCoding = new Map(
    answers
      .filter((answer) => answer.path === path)
      .map(({ coding, body, ...answer }) => [coding, { ...answer, body: Buffer.from(body, 'base64') }]),
  );
  app.get(path, (request, reply) => {
    const answer = byCoding.get(request.headers['accept-encoding'] ?? 'identity');
    if (answer === undefined) return reply.code(406).send();
    if (request.headers['if-none-match'] === answer.etag) return reply.code(304).headers(answer.validators).send();
    return reply.headers(answer.headers).send(answer.body);
  });
}
await app.listen({ port: Number(port), host: '127.0.0.1' });
