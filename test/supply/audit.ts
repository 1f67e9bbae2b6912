/**
 * Entry (`npm run audit`): asks the registry for advisories about production packages. Exit code 0: none that stops a build; 1: at
 * least one; 2: the registry gave no answer, so nothing is known.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import { type AuditReport, judgeAudit, type Verdict } from './audit-policy.ts';

const exitCodes: Readonly<Record<Verdict['kind'], number>> = { accepted: 0, refused: 1, unanswered: 2 };

/** One attempt of 20 s, so that a run without a network does not wait for retries. */
const flags = ['audit', '--omit=dev', '--json', '--fetch-retries=0', '--fetch-timeout=20000'];

const parse = (text: string): AuditReport => {
  try {
    return Object(JSON.parse(text));
  } catch {
    return { message: 'npm printed no report' };
  }
};

const { stdout } = spawnSync('npm', flags, {
  cwd: join(import.meta.dirname, '..', '..'),
  encoding: 'utf8',
  maxBuffer: 2 ** 26,
});
const { kind, lines } = judgeAudit(parse(stdout ?? ''), new Date().toISOString().slice(0, 10));
console.log(lines.join('\n'));
process.exitCode = exitCodes[kind];
