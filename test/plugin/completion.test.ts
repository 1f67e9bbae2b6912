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

/** Types into a zsh on a terminal of its own, in which the program is a function that prints its arguments. */
const typeIntoZsh = `zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "source $1"
zpty -r shell seen '*READY*'
zpty -w -n shell "$2"
zpty -r shell seen '*ran <*>*'
print -r -- $seen`;

/** The command line that zsh runs after these keys; \t completes. */
const completedByZsh = async (keys: string): Promise<string | undefined> => {
  const setup = join(mkdtempSync(join(tmpdir(), 'tlt-completion-')), 'setup.zsh');
  const script = completionScript('zsh', pluginPrograms);
  const stub = 'kubectl-modelexport() { print -r -- "ran <$*>" }\nprint READY\n';
  writeFileSync(setup, `autoload -U +X compinit && compinit -D -u\n${script}${stub}`);
  const seen = await run('zsh', ['-f', '-c', typeIntoZsh, 'zsh', setup, `${keys}\n`], {
    env: { TERM: 'dumb' },
  });
  return /ran <(.*)>/.exec(seen)?.[1];
};

test('zsh completes commands, flags and values', async (t) => {
  t.is(
    await completedByZsh('kubectl-modelexport stat\tdetector --kubec\tfile -o j\t'),
    'status detector --kubeconfig file -o json',
  );
});
