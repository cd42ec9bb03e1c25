import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { type ChainLink, linkSchema } from '../audit/chain.js';
import { exportAuditCsv, exportAuditLines } from '../audit/export.js';
import { type AuditVerdict, verifyAudit, verifyLinks } from '../audit/verify.js';
import { OperatorError } from '../errors.js';
import { type Command, UsageError } from './command.js';
import { withDeps } from './open.js';

export const auditVerifyCommand: Command = {
  name: 'audit verify',
  usage: '[FILE] [--expect HASH] [--json]',
  summary: 'Checks the audit log against its hash chain: that of the database, or of an exported file alone.',
  options: { expect: { type: 'string' }, json: { type: 'boolean' } },
  arguments: { min: 0, max: 1 },
  async run({ positionals, text, flag }, surroundings) {
    const [file] = positionals;
    const expect = text('expect') ?? null;
    if (expect !== null && !/^[0-9a-f]{64}$/.test(expect)) {
      throw new UsageError(
        'audit verify: --expect is a hash of 64 hexadecimal digits, as an earlier check has printed it',
      );
    }
    const verdict: AuditVerdict =
      file === undefined
        ? await withDeps(surroundings, ({ db }) => verifyAudit(db, expect))
        : { ...(await verifyLinks(readLinks(file), expect)), unsealed: [] };
    const holds = verdict.faults.length === 0 && verdict.unsealed.length === 0 && verdict.expected !== false;
    if (flag('json')) surroundings.say(JSON.stringify({ holds, ...verdict }));
    else tell(verdict, surroundings);
    return holds ? 0 : 1;
  },
};

export const auditExportCommand: Command = {
  name: 'audit export',
  usage: '[--csv]',
  summary: 'Writes the whole audit log to standard output: JSON Lines with the hash chain, or a table.',
  options: { csv: { type: 'boolean' } },
  arguments: { min: 0, max: 0 },
  async run({ flag }, surroundings) {
    await withDeps(surroundings, async ({ db }) => {
      const lines = flag('csv') ? exportAuditCsv(db) : exportAuditLines(db);
      for await (const line of lines) surroundings.say(line.replace(/\r?\n$/, ''));
    });
    return 0;
  },
};

function tell(
  verdict: AuditVerdict,
  { say, complain }: { say: (line: string) => void; complain: (line: string) => void },
) {
  const words = {
    'entry-missing': 'its entry is missing',
    'entry-changed': 'its entry was changed after it was sealed',
    'previous-differs': 'it does not follow the entry before it',
    'position-missing': 'there is no entry at this place',
  };
  for (const { position, fault } of verdict.faults.slice(0, 100)) complain(`entry ${position}: ${words[fault]}`);
  if (verdict.faults.length > 100) complain(`and ${verdict.faults.length - 100} more`);
  for (const id of verdict.unsealed) complain(`row ${id} of audit_log has no seal: it was put in beside the service`);
  if (verdict.expected === false)
    complain('the hash that was expected is not in the chain: entries were cut off or replaced');
  const holds = verdict.faults.length + verdict.unsealed.length === 0 && verdict.expected !== false;
  if (holds) say(`The chain holds: ${verdict.links} entries.`);
  if (holds && verdict.head !== null) say(`Its last hash is ${verdict.head}; keep it elsewhere, for --expect.`);
}

/** The links of an exported file, a line each. Throws an OperatorError for what is none. */
async function* readLinks(file: string): AsyncGenerator<ChainLink> {
  let number = 0;
  try {
    for await (const line of createInterface({
      input: createReadStream(file, 'utf8'),
      crlfDelay: Number.POSITIVE_INFINITY,
    })) {
      number += 1;
      if (line.trim() === '') continue;
      yield linkSchema.parse(JSON.parse(line));
    }
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    throw new OperatorError(
      missing ? `${file}: there is no such file` : `${file}: line ${number} is no entry of an exported audit log`,
    );
  }
}
