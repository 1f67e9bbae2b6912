/** `docs/reference/limits.md`: the limits on inputs, from the table that the file readers enforce. */
import { limits } from '../../ground/base/limits.ts';
import { markdownFile, markdownTable, type PublishedFile } from './file.ts';

/** The page. */
export const limitsPage = (): PublishedFile =>
  markdownFile('docs/reference/limits.md', 'Limits', [
    'A file of a few hundred bytes can request any amount of memory or time. The sizes that it declares are compared with these limits before memory is allocated. If a limit is exceeded, the program ends with a typed error that reports the declared size, the limit and the remedy.',
    markdownTable(
      ['Input', 'Maximum', 'Why', 'Remedy'],
      Object.values(limits).map(({ of, max, unit, why, remedy }) => [
        of,
        `${max.toLocaleString('en')} ${unit}`,
        why,
        remedy,
      ]),
    ),
    'Models, external data files of models, experiment specs, caches, histograms and TFRecords must be regular files: pipes, sockets and devices are rejected. The key may be read from a pipe.',
    'Resource use that cannot be known in advance is limited at run time. The work runs in its own thread. The main thread ends the process with `OutOfMemory` at 90 % of the memory limit of its control group, and with `Interrupted` within two seconds of SIGINT or SIGTERM.',
  ]);
