import { writeFile } from 'node:fs/promises';
import { OperatorError } from '../errors.js';
import { type Command, UsageError } from './command.js';
import { targetOptions, targetUsage, withTarget } from './target.js';

/** The list as YAML: the same list gives the same bytes, so that a repository shows changes of the list alone. */
export const exportCommand: Command = {
  name: 'export',
  usage: `[FILE] [--draft | --version N] ${targetUsage}`,
  summary: 'Writes the latest published list (or the draft, or a version) as YAML, to FILE or standard output.',
  options: { draft: { type: 'boolean' }, version: { type: 'string' }, ...targetOptions },
  arguments: { min: 0, max: 1 },
  async run(input, surroundings) {
    const {
      positionals: [path],
      flag,
      text,
    } = input;
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
