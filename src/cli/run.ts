import { OperatorError, Refusal } from '../errors.js';
import {
  adminCreateCommand,
  adminDisableCommand,
  adminEnableCommand,
  adminInviteCommand,
  adminLinkCommand,
  adminListCommand,
  adminResetSecondFactorCommand,
} from './admin.js';
import { auditExportCommand, auditVerifyCommand } from './audit.js';
import { checkCommand } from './check.js';
import { type Command, type Outcome, readInput, type Surroundings, UsageError } from './command.js';
import { diffCommand } from './diff.js';
import { exportCommand } from './export.js';
import { importCommand } from './import.js';
import { migrateCommand } from './migrate.js';
import { planCommand } from './plan.js';
import { publishCommand } from './publish.js';
import { releaseCommand } from './release.js';
import { reportCommand } from './report.js';
import { serveCommand } from './serve.js';
import { subscribersExportCommand, subscribersImportCommand } from './subscribers.js';
import { tokenCreateCommand, tokenListCommand, tokenRevokeCommand } from './token.js';
import { validateCommand } from './validate.js';

const commands: readonly Command[] = [
  serveCommand,
  migrateCommand,
  validateCommand,
  diffCommand,
  planCommand,
  importCommand,
  publishCommand,
  exportCommand,
  reportCommand,
  subscribersImportCommand,
  subscribersExportCommand,
  tokenCreateCommand,
  tokenListCommand,
  tokenRevokeCommand,
  adminCreateCommand,
  adminListCommand,
  adminInviteCommand,
  adminDisableCommand,
  adminEnableCommand,
  adminResetSecondFactorCommand,
  adminLinkCommand,
  releaseCommand,
  checkCommand,
  auditVerifyCommand,
  auditExportCommand,
];

/**
 * Runs the command that `words` name.
 * @returns its exit code: 0 done, 1 failed, 2 wrong use
 */
export async function runCommandLine(words: readonly string[], surroundings: Surroundings): Promise<Outcome | 2> {
  const { say, complain } = surroundings;
  const asksForHelp = words.some((word) => word === '--help' || word === '-h') || words[0] === 'help';
  const command = commands.find(({ name }) => name.split(' ').every((part, index) => words[index] === part));
  if (asksForHelp) {
    say(command === undefined ? overview() : helpOf(command));
    return 0;
  }
  if (command === undefined) {
    complain(words.length === 0 ? overview() : `subnotice does not know "${words.join(' ')}"; see subnotice --help`);
    return 2;
  }
  try {
    return await command.run(readInput(command, words.slice(command.name.split(' ').length)), surroundings);
  } catch (error) {
    if (error instanceof UsageError) {
      complain(`${error.message}; see subnotice ${command.name} --help`);
      return 2;
    }
    if (error instanceof OperatorError) {
      for (const fault of error.faults) complain(fault);
      return 1;
    }
    if (error instanceof Refusal) {
      complain(error.message);
      for (const { path, message, line } of error.errors) {
        const place = [...(line === undefined ? [] : [`line ${line}`]), ...(path === '' ? [] : [path])];
        complain(`  ${[...place, message].join(': ')}`);
      }
      return 1;
    }
    throw error;
  }
}

function overview(): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  const lines = commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`);
  return ['Usage: subnotice COMMAND …', '', ...lines, '', 'Exit codes: 0 done, 1 failed, 2 wrong use.'].join('\n');
}

function helpOf({ name, usage, summary, options }: Command): string {
  const names = Object.entries(options).map(
    ([option, { type }]) => `  --${option}${type === 'string' ? ' VALUE' : ''}`,
  );
  return [`Usage: subnotice ${name} ${usage}`.trimEnd(), '', summary, ...(names.length > 0 ? ['', ...names] : [])].join(
    '\n',
  );
}
