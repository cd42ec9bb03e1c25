import { createHash } from 'node:crypto';
import { isAbsolute, relative, sep } from 'node:path';
import type { Fault } from '../errors.js';

/*
 * Faults of a file as the machines that run pipelines show them beside the line.
 */

/** As commands of GitHub Actions: https://docs.github.com/actions/reference/workflow-commands-for-github-actions */
export function githubAnnotations(path: string, faults: readonly Fault[]): string[] {
  return faults.map(({ path: place, line, message }) => {
    const properties = [
      `file=${property(inRepository(path))}`,
      ...(line === undefined ? [] : [`line=${line}`]),
      `title=${property(place === '' ? 'Sub-processor list' : place)}`,
    ];
    return `::error ${properties.join(',')}::${data(message)}`;
  });
}

/** As a code quality report of GitLab: https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format */
export function gitlabReport(path: string, faults: readonly Fault[]): object[] {
  const file = inRepository(path);
  return faults.map(({ path: place, line = 1, message }) => ({
    description: place === '' ? message : `${place}: ${message}`,
    check_name: 'subnotice-validate',
    // The same fault on another line is the same fault.
    fingerprint: createHash('sha256').update(`${file}\n${place}\n${message}`).digest('hex'),
    severity: 'blocker',
    location: { path: file, lines: { begin: line } },
  }));
}

/** Pipelines run in the folder of the repository, from which both name their files, with slashes. */
function inRepository(path: string): string {
  const file = isAbsolute(path) ? relative(process.cwd(), path) : path;
  const outside = file === '' || file.startsWith('..');
  return (outside ? path : file)
    .split(sep)
    .join('/')
    .replace(/^(\.\/)+/, '');
}

/** A line break would end the command, and what the file says could begin another. */
function data(text: string): string {
  return text.replace(/%/g, '%25').replace(/\r/g, '%0D').replace(/\n/g, '%0A');
}

function property(text: string): string {
  return data(text).replace(/:/g, '%3A').replace(/,/g, '%2C');
}
