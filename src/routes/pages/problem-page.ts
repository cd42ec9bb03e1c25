import type { TextSource } from '../../texts.js';
import type { Problem, ProblemPage } from '../problem.js';
import type { Renderer } from '../render.js';

/** The page of a refusal or fault: what happened, in the reader's language, and the way back to the list. */
export function problemPage(deps: { pages: Renderer; texts: TextSource }): ProblemPage {
  return (request, reply, problem) => {
    const { t } = deps.texts.for(deps.pages.localeOf(request));
    const data = {
      status: problem.status,
      heading: t(`pages.problem.heading.${headingOf(problem)}`),
      text: t(`problems.${problem.code}`),
      errors: problem.errors.map(({ path, message }) => ({ field: path === '' ? null : path, message })),
    };
    return deps.pages.page(reply, 'problem', data, { status: problem.status });
  };
}

function headingOf({ status }: Problem): string {
  if (status === 404) return 'missing';
  if (status === 410) return 'over';
  if (status === 401 || status === 403) return 'forbidden';
  if (status === 429) return 'limited';
  if (status === 503) return 'away';
  return status >= 500 ? 'fault' : 'refused';
}
