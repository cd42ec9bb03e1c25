import { writeFile } from 'node:fs/promises';
import { OperatorError } from '../errors.js';
import { loadTexts } from '../texts.js';
import { type Command, type Input, type Outcome, type Surroundings, UsageError } from './command.js';
import { exportSite } from './site/export-site.js';
import { withPublicPages } from './site/public-pages.js';
import { targetOptions, targetUsage, withTarget } from './target.js';

/**
 * The list as YAML: the same list gives the same bytes, so that a repository shows changes of the list alone.
 * Or everything public as files, for any web server to show when the service is down.
 */
export const exportCommand: Command = {
  name: 'export',
  usage: `[FILE] [--draft | --version N] ${targetUsage}, or --site DIR [--url URL]`,
  summary:
    'Writes the latest published list (or the draft, or a version) as YAML, to FILE or standard output; or the public pages as files into DIR.',
  options: { draft: { type: 'boolean' }, version: { type: 'string' }, site: { type: 'string' }, ...targetOptions },
  arguments: { min: 0, max: 1 },
  async run(input, surroundings) {
    const {
      positionals: [path],
      flag,
      text,
    } = input;
    const site = text('site');
    if (site !== undefined) return exportPages(site, input, surroundings);
    const wanted = text('version');
    if (wanted !== undefined && (flag('draft') || !/^[1-9]\d{0,8}$/.test(wanted))) {
      throw new UsageError('export takes --draft or --version N, such as --version 3');
    }
    const which = flag('draft') ? 'draft' : wanted === undefined ? 'latest' : Number(wanted);
    const yaml = await withTarget(input, surroundings, (target) => target.list(which));
    if (path === undefined || path === '-') {
      surroundings.say(yaml.replace(/\n$/, ''));
      return 0;
    }
    try {
      await writeFile(path, yaml);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unwritable';
      throw new OperatorError(`${path}: cannot be written (${code})`);
    }
    return 0;
  },
};

async function exportPages(folder: string, input: Input, surroundings: Surroundings): Promise<Outcome> {
  const { positionals, flag, text } = input;
  if (positionals.length > 0 || flag('draft') || text('version') !== undefined || text('token-file') !== undefined) {
    throw new UsageError('export --site DIR takes what is public as it is, and nothing beside --url');
  }
  // Only the names of languages and the words of a note: no time is shown in them.
  const texts = loadTexts({ timeZone: 'UTC' });
  const files = await withPublicPages(input, surroundings, (pages) => exportSite(pages, folder, texts));
  surroundings.say(`${folder}: ${files} files`);
  return 0;
}
