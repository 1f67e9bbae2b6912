/** What pages show of pods that run, followed by a reader on the test cluster. */
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { sha256 } from '../../src/ground/base/digest.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { linesOf, run } from '../cluster/run.ts';
import { namespace, root, sampleName } from '../demo/scenario.ts';
import { blocksOf, findMissingLines, pages, stepsOf } from '../pages/blocks.ts';
import { makeReader, type Reader } from '../pages/reader.ts';
import { findWay } from '../pages/ways.ts';

/** A reader whose context names the namespace of the exports, and whose browser is a program that does nothing. */
export const startReading = async ({ kubeconfig }: Cluster, models: string): Promise<Reader> => {
  const reader = makeReader({ KUBECONFIG: 'kubeconfig' });
  const path = join(reader.folder, 'kubeconfig');
  cpSync(kubeconfig, path);
  await run('kubectl', [
    '--kubeconfig',
    path,
    'config',
    'set-context',
    '--current',
    '--namespace',
    namespace,
  ]);
  writeFileSync(join(reader.folder, '.bin/xdg-open'), '#!/bin/sh\n', { mode: 0o755 });
  cpSync(join(models, `${sampleName}.tlt`), join(reader.folder, `${sampleName}.tlt`));
  return reader;
};

/** Follows the blocks of one page that have this text. */
export const followBlock = async (reader: Reader, page: string, part: string): Promise<void> => {
  for (const block of blocksOf(page).filter(({ text }) => text.includes(part))) await reader.follow(block);
};

/** Follows all blocks that need what only kubelets have; returns what does not happen as shown. */
export const followPages = async (reader: Reader): Promise<readonly string[]> => {
  const problems: string[] = [];
  for (const block of pages.flatMap(blocksOf).filter((each) => findWay(each)?.[1] === 'kubelets'))
    await reader.follow(block).catch((thrown: Error) => problems.push(thrown.message));
  return problems;
};

/** Names and contents of the files of a folder, in one order. */
const contentsOf = (folder: string): readonly string[] =>
  readdirSync(folder)
    .sort()
    .map((name) => `${name} ${sha256(readFileSync(join(folder, name)))}`);

/**
 * Fills the claim `models` as docs/first-export.md shows, after the photos in it were taken away; the pod is there already.
 * @param models folder of the claim
 * @returns what the pod that the page creates copied into the claim, and what was there before
 */
export const fillAsShown = async (reader: Reader, { kubectl }: Cluster, models: string) => {
  const photos = join(models, 'calibration');
  const before = contentsOf(photos);
  cpSync(photos, join(reader.folder, 'photos'), { recursive: true });
  rmSync(photos, { recursive: true });
  await kubectl(['apply', '-n', namespace, '-f', join(root, 'deploy/samples/fill-claims.yaml')]);
  await followBlock(reader, 'docs/first-export.md', 'kubectl cp -n vision photos');
  return { copied: contentsOf(photos), before };
};

/** `kubectl modelexport watch` of a page, which ends when the export is Ready. */
export type Watching = {
  /** Once it has printed a line. */
  readonly started: Promise<void>;
  /** Lines of the page that it did not print. */
  readonly missing: Promise<readonly string[]>;
};

/** Starts the watch of a page; its export exists. */
export const watchAsShown = ({ kubeconfig }: Cluster, page: string): Watching => {
  const [{ command, output } = { command: '', output: '' }] = blocksOf(page)
    .filter(({ text }) => text.startsWith('$ kubectl modelexport watch'))
    .flatMap(stepsOf);
  const words = command.trim().split(' ').slice(2);
  const asOnTerminal = ['--output', 'table', '--kubeconfig', kubeconfig];
  const plugin = [join(root, 'src/kubectl-modelexport.ts'), ...words, ...asOnTerminal];
  const { promise: started, resolve } = Promise.withResolvers<void>();
  const missing = collect(plugin, resolve).then((printed) => findMissingLines(output!, printed));
  return { started: Promise.race([started, missing.then(() => {})]), missing };
};

const collect = async (plugin: readonly string[], printedOne: () => void): Promise<string> => {
  let printed = '';
  for await (const line of linesOf(process.execPath, plugin, 600_000)) {
    printed += `${line}\n`;
    printedOne();
  }
  return printed;
};
