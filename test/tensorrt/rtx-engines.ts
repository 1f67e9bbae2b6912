/**
 * `npm run rtx-engines`: tlt-export --engine_file for all seven modules, in int8 and fp16, for every compute capability that
 * TensorRT for RTX builds for. The table of docs/tensorrt.md says which engines were built, and why others were not.
 * `npm run rtx-engines -- int8 ssd` builds only rows with these words, and keeps the others of the table.
 */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { failures } from '../../src/ground/base/failures.ts';
import { type Architecture, architectureNames } from '../../src/ground/contract/architectures.ts';
import { rtxComputeCapabilities } from '../../src/ground/plans/families.ts';
import { aFolder, runTool } from '../builders/tool.ts';
import { aTraining } from '../builders/training.ts';
import { detectorFile, detectorNames, modelFile, scenesFolder } from '../models/models.ts';
import { peerPython } from '../peers/venv.ts';

const page = join(import.meta.dirname, '..', '..', 'docs', 'tensorrt.md');
const dataTypes = ['fp16', 'int8'] as const;

const isDetector = (module: Architecture) => detectorNames.find((name) => name === module);

const fileOf = (module: Architecture): string => {
  const detector = isDetector(module);
  if (detector) return detectorFile(detector);
  return modelFile(module === 'classification' ? 'classifier' : 'detectnet_v2');
};

const folderOf = async (module: Architecture): Promise<string> => {
  const detector = isDetector(module);
  return detector ? aTraining(detector) : aFolder();
};

/** What became of one engine: its size in kB, or that the builder refused it (its words go to standard output). */
const build = async (
  module: Architecture,
  cwd: string,
  [dataType, capability]: readonly [string, string],
): Promise<string> => {
  const name = `${dataType}-${capability}`;
  const int8 = [
    '--cal_image_dir',
    scenesFolder,
    '--batches',
    '2',
    '--batch_size',
    '6',
    '--cal_cache_file',
    'cal.bin',
  ];
  const { code, stderr } = await runTool(
    'tlt-export',
    [
      ...[
        module,
        '-m',
        fileOf(module),
        '--key_file',
        'key.txt',
        '-o',
        `${name}.etlt`,
        '--data_type',
        dataType,
      ],
      ...(isDetector(module) ? ['-e', 'spec.txt'] : []),
      ...(dataType === 'int8' ? int8 : []),
      ...[
        '--engine_file',
        `${name}.engine`,
        '--engine_backend',
        'TensorRtRtx',
        '--python',
        await peerPython(),
      ],
      ...['--compute_capability', capability],
    ],
    { cwd },
  );
  if (code === 0) return `${(statSync(join(cwd, `${name}.engine`)).size / 1000).toFixed(0)} kB`;
  process.stdout.write(stderr);
  return code === failures.EngineBuildFailed.exitCode ? 'refused' : `exit ${code}`;
};

const [before = '', rest = ''] = readFileSync(page, 'utf8').split('<!-- rtx-engines -->\n');
const [written = '', after = ''] = rest.split('<!-- end -->');
const words = process.argv.slice(2);
const isWanted = (...names: readonly string[]) => words.every((word) => names.includes(word));

const rowOf = async (module: Architecture, dataType: (typeof dataTypes)[number]): Promise<string> => {
  const start = `| ${module} | ${dataType} |`;
  const known = written.split('\n').find((line) => line.startsWith(start));
  if (!isWanted(module, dataType)) return known ?? `${start} not built |`;
  const cwd = await folderOf(module);
  const cells: string[] = [];
  for (const capability of rtxComputeCapabilities) {
    cells.push(await build(module, cwd, [dataType, capability]));
    process.stdout.write(`${module} ${dataType} ${capability}: ${cells.at(-1)}\n`);
  }
  return `${start} ${cells.join(' | ')} |`;
};

const rows = [
  `| Module | Data type | ${rtxComputeCapabilities.join(' | ')} |`,
  `| --- | --- | ${rtxComputeCapabilities.map(() => '---').join(' | ')} |`,
];
for (const module of architectureNames)
  for (const dataType of dataTypes) rows.push(await rowOf(module, dataType));
writeFileSync(page, `${before}<!-- rtx-engines -->\n${rows.join('\n')}\n<!-- end -->${after}`);
