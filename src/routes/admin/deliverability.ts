import type { FastifyPluginAsync } from 'fastify';
import type { AppDeps } from '../../app.js';
import { checkDeliverability } from '../../deliverability/check.js';
import type { Finding, FindingState } from '../../deliverability/finding.js';
import { wordsOf } from '../../deliverability/words.js';
import type { Texts } from '../../texts.js';
import { consoleOf } from './console.js';

/** Whether notices arrive and can be answered, for people: the worst first, each with what to do. */
export function adminDeliverabilityRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (app) => {
    app.get('/admin/deliverability', { config: { permission: 'viewer' } }, async (request, reply) => {
      const console = consoleOf(deps, request, reply);
      const { texts } = console;
      const findings = await checkDeliverability(deps, deps.outside);
      return console.page('deliverability', 'deliverability', {
        at: deps.now(),
        summary: summaryOf(findings, texts),
        findings: [...findings].sort(worstFirst).map((finding) => ({
          state: finding.state,
          check: texts.t(`deliverability.checks.${finding.check}`),
          record: typeof finding.facts.record === 'string' ? finding.facts.record : null,
          ...wordsOf(finding, texts),
        })),
      });
    });
  };
}

const gravity = ['fault', 'warning', 'unknown', 'ok'] as const satisfies readonly FindingState[];

function worstFirst(a: Finding, b: Finding): number {
  return gravity.indexOf(a.state) - gravity.indexOf(b.state);
}

/** "One fault, 2 warnings and one point that cannot be seen from here" */
function summaryOf(findings: readonly Finding[], texts: Texts): string {
  const parts = (['fault', 'warning', 'unknown'] as const).flatMap((state) => {
    const count = findings.filter((finding) => finding.state === state).length;
    return count === 0 ? [] : [texts.t(`deliverability.counts.${state}`, { count })];
  });
  return parts.length === 0 ? texts.t('deliverability.counts.ok') : texts.list(parts);
}
