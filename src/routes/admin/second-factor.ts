import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { readAccount } from '../../admins/accounts.js';
import { areRecoveryCodesOf } from '../../admins/recovery-codes.js';
import {
  endSecondFactor,
  enrol,
  factorState,
  offeredSecret,
  proveAgain,
  renewRecoveryCodes,
} from '../../admins/second-factor.js';
import type { AppDeps } from '../../app.js';
import { Refusal } from '../../errors.js';
import { sendDownload } from '../download.js';
import { networkOf } from '../network.js';
import type { FieldFault } from '../pages/subscription-form.js';
import { noteRefusal } from '../problem.js';
import { sessionIn } from './account.js';
import { type Console, consoleOf } from './console.js';
import { qrCode } from './qr-code.js';
import { safePath } from './safe-path.js';

const path = '/admin/account/second-factor';
const word = z.string().max(4_000).default('');
const query = z.object({
  next: z.string().default('').catch(''),
  done: z.enum(['recovered']).optional().catch(undefined),
});
const enrolPost = z.object({ code: word, currentPassword: word, next: z.string().default('') });
const proofPost = z.object({ proofPassword: word });
const filePost = z.object({ codes: z.string().max(1_000) });
/** Whoever has just signed in need not show again who they are. */
const freshMs = 15 * 60 * 1000;

/** The second factor of one's own account: set up, recovery codes, switched off. */
export function secondFactorRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (app) => {
    const own = { config: { permission: 'viewer' as const, beforeEnrolment: true } };

    app.get(path, own, async (request, reply) => {
      const { next, done } = query.parse(request.query);
      return show(request, reply, { next: safePath(next), recovered: done === 'recovered' });
    });

    app.post(path, own, async (request, reply) => {
      const console = consoleOf(deps, request, reply);
      const session = sessionIn(request);
      const { code, currentPassword, next } = enrolPost.parse(request.body);
      const ip = networkOf(request.ip);
      return orFault(request, reply, { next: safePath(next) }, async () => {
        if (await mustProve(request)) await proveAgain(deps, session.actor, { secret: currentPassword, ip });
        return showCodes(console, await enrol(deps, session, { code, ip }), safePath(next), 'enrolled');
      });
    });

    app.post('/admin/account/recovery-codes', own, async (request, reply) => {
      const console = consoleOf(deps, request, reply);
      return orFault(request, reply, { proofOf: 'codes' }, async () => {
        await prove(request, console);
        return showCodes(console, await renewRecoveryCodes(deps, console.actor), '/admin/account', 'renewed');
      });
    });

    app.post(`${path}/removal`, own, async (request, reply) => {
      const console = consoleOf(deps, request, reply);
      return orFault(request, reply, { proofOf: 'removal' }, async () => {
        await prove(request, console);
        await endSecondFactor(deps, console.actor);
        return console.redirect('/admin/account?done=switched-off');
      });
    });

    // The codes come from the page that has shown them: they are kept nowhere.
    app.post('/admin/account/recovery-codes.txt', own, async (request, reply) => {
      const console = consoleOf(deps, request, reply);
      const codes = filePost
        .parse(request.body)
        .codes.split(/\s+/)
        .filter((code) => code !== '');
      if (!(await areRecoveryCodesOf(deps.db, console.actor.id, codes))) {
        throw new Refusal('code.wrong', 'These are not the recovery codes of this account.');
      }
      const { t } = console.texts;
      const lines = [
        t('accounts.codes.fileTitle', { company: deps.config.companyName, url: deps.config.publicUrl }),
        console.email,
        '',
        ...codes,
        '',
        t('accounts.codes.once'),
      ];
      return sendDownload(reply, 'recovery-codes.txt', oneByOne(lines.map((line) => `${line}\r\n`)));
    });
  };

  async function prove(request: FastifyRequest, console: Console): Promise<void> {
    const { proofPassword: secret } = proofPost.parse(request.body);
    await proveAgain(deps, console.actor, { secret, ip: networkOf(request.ip) });
  }

  /** Before a device is bound to an account that somebody may have left open. */
  async function mustProve(request: FastifyRequest): Promise<boolean> {
    const { actor, begunAt, how } = sessionIn(request);
    if (how === 'oidc' || deps.now().getTime() - begunAt.getTime() < freshMs) return false;
    return (await readAccount(deps.db, actor.id)).hasPassword;
  }

  async function orFault(
    request: FastifyRequest,
    reply: FastifyReply,
    view: { next?: string; proofOf?: 'codes' | 'removal' },
    answer: () => Promise<FastifyReply>,
  ): Promise<FastifyReply> {
    try {
      return await answer();
    } catch (error) {
      const text = error instanceof Refusal ? faultTexts.get(error.code) : undefined;
      if (!(error instanceof Refusal) || text === undefined) throw error;
      noteRefusal(request, error.code);
      const { t } = deps.texts.for(deps.pages.localeOf(request));
      const field = view.proofOf ?? (error.code === 'credentials.wrong' ? 'currentPassword' : 'code');
      return show(request, reply, { ...view, errors: [{ field, message: t(text) }] });
    }
  }

  async function show(
    request: FastifyRequest,
    reply: FastifyReply,
    view: { next?: string; recovered?: boolean; errors?: FieldFault[] },
  ) {
    const console = consoleOf(deps, request, reply);
    const session = sessionIn(request);
    const { next = '/admin', recovered = false, errors = [] } = view;
    const factor = await factorState(deps.db, session.actor.id);
    const status = errors.length > 0 ? 422 : 200;
    const required = deps.config.secondFactor === 'required';
    if (factor.since !== null) {
      return console.page('second-factor', 'account', { factor, required, recovered, next, errors }, { status });
    }
    const { text, uri } = await offeredSecret(deps, session);
    const qr = qrCode(uri, console.texts.t('accounts.enrol.qrLabel'));
    const data = { qr, secret: text, required, next, askPassword: await mustProve(request), errors };
    return console.page('enrol', 'account', data, { status });
  }

  function showCodes(console: Console, codes: string[], next: string, deed: 'enrolled' | 'renewed') {
    // Not by way of a redirect: the codes are in this answer and nowhere else.
    return console.page('recovery-codes', 'account', { codes, next, deed });
  }
}

const faultTexts: ReadonlyMap<string, string> = new Map([
  ['code.wrong', 'accounts.code.wrong.app'],
  ['credentials.wrong', 'accounts.factor.proofWrong'],
  ['rate.exceeded', 'console.signIn.limited'],
]);

async function* oneByOne(lines: readonly string[]): AsyncIterable<string> {
  yield* lines;
}
