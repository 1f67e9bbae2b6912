/** `kubectl modelexport completion`: the scripts run in bash, and in kubectl's own completion. */
import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import process from 'node:process';
import test from 'ava';
import { completionScript } from '../../src/cluster/plugin/completion.ts';
import { pluginPrograms } from '../../src/ground/contract/plugin-programs.ts';
import { run } from '../cluster/run.ts';

/** What bash offers after these words, the last of which is incomplete. */
const completed = async (...words: readonly string[]): Promise<readonly string[]> => {
  const script = `${completionScript('bash', pluginPrograms)}
COMP_WORDS=(kubectl-modelexport "$@"); COMP_CWORD=$#
_kubectl_modelexport; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return (await run('bash', ['-c', script, 'bash', ...words])).trim().split('\n');
};

test('bash completes commands, flags, their values, and the operands of completion', async (t) => {
  t.deepEqual(await completed('re'), ['report', 'retry', 'resume']);
  t.deepEqual(await completed('status', 'detector', '--k'), ['--kubeconfig']);
  t.deepEqual(await completed('status', '-o', ''), ['table', 'json']);
  t.deepEqual(await completed('completion', ''), ['bash', 'zsh', 'kubectl', '--help', '-h']);
  t.deepEqual(await completed('convert', '--key'), ['--key-secret']);
});

test('kubectl completes the plugin by the program that the script is', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tlt-completion-'));
  for (const [name, text] of [
    ['kubectl-modelexport', '#!/bin/sh\n'],
    ['kubectl_complete-modelexport', completionScript('kubectl', pluginPrograms)],
  ] as const) {
    writeFileSync(join(folder, name), text);
    chmodSync(join(folder, name), 0o755);
  }
  const env = { PATH: [folder, process.env.PATH].join(delimiter) };
  const offered = async (...words: readonly string[]) =>
    (await run('kubectl', ['__complete', 'modelexport', ...words], { env })).trim().split('\n');
  t.deepEqual(await offered('s'), ['status', 'suspend', ':4']);
  t.deepEqual(await offered('status', 'detector', '-o', ''), ['table', 'json', ':4']);
});

test('zsh loads the script of bash through bashcompinit', (t) => {
  const script = completionScript('zsh', pluginPrograms);
  t.true(script.startsWith('autoload -U +X bashcompinit && bashcompinit\n'));
  t.true(script.endsWith(completionScript('bash', pluginPrograms)));
});
