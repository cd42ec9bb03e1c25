import { writeFile } from 'node:fs/promises';
import { OperatorError, Refusal } from '../errors.js';
import { writeYaml } from '../list/write.js';
import { draftAsYaml, draftMissing, readDraft } from '../versions/draft.js';
import { latestNumber, readVersion, versionMissing } from '../versions/read.js';
import { type Command, UsageError } from './command.js';
import { withDeps } from './open.js';

/** The list as YAML: the same list gives the same bytes, so that a repository shows changes of the list alone. */
export const exportCommand: Command = {
  name: 'export',
  usage: '[FILE] [--draft | --version N]',
  summary: 'Writes the latest published list (or the draft, or a version) as YAML, to FILE or standard output.',
  options: { draft: { type: 'boolean' }, version: { type: 'string' } },
  arguments: { min: 0, max: 1 },
  async run({ positionals: [path], flag, text }, surroundings) {
    const wanted = text('version');
    if (wanted !== undefined && (flag('draft') || !/^[1-9]\d{0,8}$/.test(wanted))) {
      throw new UsageError('export takes --draft or --version N, such as --version 3');
    }
    const yaml = await withDeps(surroundings, async ({ db }) => {
      if (flag('draft')) {
        const draft = await readDraft(db);
        if (draft === null) throw draftMissing();
        return draftAsYaml(draft);
      }
      const number = wanted === undefined ? await latestNumber(db) : Number(wanted);
      const version = number === null ? null : await readVersion(db, number);
      if (number === null) throw new Refusal('version.missing', 'Nothing was published yet; --draft writes the draft.');
      if (version === null) throw versionMissing(number);
      return writeYaml(version.document);
    });
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
