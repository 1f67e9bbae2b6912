/** What pages show of pods that run, followed by a reader on the test cluster. */
import { join } from 'node:path';
import process from 'node:process';
import type { Cluster } from '../cluster/cluster.ts';
import { linesOf } from '../cluster/run.ts';
import { root } from '../demo/scenario.ts';
import { blocksOf, findMissingLines, stepsOf } from '../pages/blocks.ts';
import { makeReader, type Reader } from '../pages/reader.ts';

/** A reader with this cluster. */
export const startReading = ({ kubeconfig }: Cluster): Reader => makeReader({ KUBECONFIG: kubeconfig });

/** Follows the blocks of one page that have this text. */
export const followBlock = async (reader: Reader, page: string, part: string): Promise<void> => {
  for (const block of blocksOf(page).filter(({ text }) => text.includes(part))) await reader.follow(block);
};

/** The lines that `kubectl modelexport watch` of a page prints, from now on until the export is Ready. */
export const watchAsShown = ({ kubeconfig }: Cluster, page: string): Promise<readonly string[]> => {
  const [{ command, output } = { command: '', output: '' }] = blocksOf(page)
    .filter(({ text }) => text.startsWith('$ kubectl modelexport watch'))
    .flatMap(stepsOf);
  const words = command.trim().split(' ').slice(2);
  const plugin = [join(root, 'src/kubectl-modelexport.ts'), ...words, '--kubeconfig', kubeconfig];
  return collect(plugin).then((printed) => findMissingLines(output!, printed));
};

const collect = async (plugin: readonly string[]): Promise<string> => {
  let printed = '';
  for await (const line of linesOf(process.execPath, plugin, 600_000)) printed += `${line}\n`;
  return printed;
};
