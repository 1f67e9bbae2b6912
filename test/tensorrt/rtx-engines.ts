/**
 * `npm run rtx-engines`: tlt-export --engine_file for all seven modules, in int8 and fp16, for every compute capability that
 * TensorRT for RTX builds for. The table of docs/tensorrt.md says which engines were built, and why others were not.
 */
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
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

const rows: string[][] = [];
for (const module of architectureNames)
  for (const dataType of dataTypes) {
    const cwd = await folderOf(module);
    const row: string[] = [module, dataType];
    for (const capability of rtxComputeCapabilities) {
      row.push(await build(module, cwd, [dataType, capability]));
      process.stdout.write(`${module} ${dataType} ${capability}: ${row.at(-1)}\n`);
    }
    rows.push(row);
  }

const table = [
  ['Module', 'Data type', ...rtxComputeCapabilities],
  ['---', '---', ...rtxComputeCapabilities.map(() => '---')],
  ...rows,
]
  .map((row) => `| ${row.join(' | ')} |`)
  .join('\n');
if (existsSync(page)) {
  const [before = '', rest = ''] = readFileSync(page, 'utf8').split('<!-- rtx-engines -->\n');
  const after = rest.split('<!-- end -->')[1] ?? '';
  writeFileSync(page, `${before}<!-- rtx-engines -->\n${table}\n<!-- end -->${after}`);
}
