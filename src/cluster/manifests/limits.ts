/** `docs/reference/limits.md`: what an input may claim, from the table that the readers compare it with. */
import { limits } from '../../ground/base/limits.ts';
import { markdownFile, markdownTable, type PublishedFile } from './file.ts';

export const limitsPage = (): PublishedFile =>
  markdownFile('docs/reference/limits.md', 'Limits', [
    'A file of a few hundred bytes can ask for any amount of memory or time. What it claims is compared with these limits before anything is allocated or repeated; beyond one, the work ends with a typed error that names the claim, the limit and what to do.',
    markdownTable(
      ['What', 'At most', 'Why', 'What to do beyond it'],
      Object.values(limits).map(({ of, most, unit, why, remedy }) => [
        of,
        `${most.toLocaleString('en')} ${unit}`,
        why,
        remedy,
      ]),
    ),
    'Models, data files of models, specs, caches, histograms and TFRecords must be regular files: pipes, sockets and devices are refused. A key may come through a pipe.',
    'What no claim gives away is found while it happens: the work runs in a thread of its own, and the main thread ends the process with `OutOfMemory` when it takes 90 % of the memory that its control group allows, and with `Interrupted` within two seconds of a SIGINT or SIGTERM, whatever the work is doing.',
  ]);
