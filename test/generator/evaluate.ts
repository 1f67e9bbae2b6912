/**
 * Exports generated networks in every data type and evaluates each export: exit 0 means covered, compared and reported.
 */
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decryptModel } from '../../src/formats/crypto/encrypted-model.ts';
import { writeTensorfile } from '../../src/formats/hdf5/tensorfile-writer.ts';
import { serializeModel } from '../../src/formats/onnx/model.ts';
import { messageOf, UserError } from '../../src/ground/base/errors.ts';
import { seededRandom } from '../../src/ground/base/rng.ts';
import type { DataType } from '../../src/ground/contract/architectures.ts';
import { side } from '../builders/networks.ts';
import { runExport } from '../builders/tool-context.ts';
import { runPeer } from '../peers/venv.ts';
import type { Generated } from './structures.ts';

export type Outcome = {
  readonly name: string;
  readonly dataType: DataType;
  /** Undefined if it was exported. */
  readonly refused: { readonly reason: string; readonly message: string } | undefined;
  /** Faults of a successful export; empty if there are none. */
  readonly problems: readonly string[];
};

const key = 'generated';

/** Two batches of four images: colour gradients with noise. */
const calibrationData = async (folder: string): Promise<string> => {
  const path = join(folder, 'calibration.tensor');
  const random = seededRandom(3);
  const batch = () => {
    const dims = [4, 3, side, side] as const;
    const [from, to] = [random() * 200 - 100, random() * 200 - 100];
    const data = Float32Array.from({ length: 4 * 3 * side * side }, (_, i) => {
      const slope = from + ((to - from) * (i % side)) / side;
      return slope + (random() - 0.5) * 60;
    });
    return { data, dims, paths: ['a', 'b', 'c', 'd'] };
  };
  const batches = async function* () {
    yield batch();
    yield batch();
  };
  await writeTensorfile(path, batches());
  return path;
};

type EvaluationCase = { readonly name: string } & Readonly<Record<string, string>>;
type Exported = Outcome & {
  /** Input of the evaluation; undefined if nothing was exported. */
  readonly evaluation: EvaluationCase | undefined;
};

const exportOf = async (
  { name, model }: Generated,
  dataType: DataType,
  tensorfile: string,
): Promise<Exported> => {
  const folder = mkdtempSync(join(tmpdir(), 'tlt-generated-'));
  const at = (file: string) => join(folder, file);
  writeFileSync(at('given.onnx'), serializeModel(model));
  const int8 = [
    '--cal_data_file',
    tensorfile,
    '--batches',
    '2',
    '--batch_size',
    '4',
    '--cal_algorithm',
    'MinMax',
  ];
  try {
    const { log } = await runExport(
      ...[
        'classification',
        '-m',
        at('given.onnx'),
        '-k',
        key,
        '-o',
        at('model.etlt'),
        '--data_type',
        dataType,
      ],
      ...['--cal_cache_file', at('cal.bin'), ...(dataType === 'int8' ? int8 : [])],
      ...(dataType === 'fp32' ? [] : ['--engine_file', at('engine.onnx')]),
    );
    const { payload } = await decryptModel(await readFile(at('model.etlt')), key);
    writeFileSync(at('exported.onnx'), payload);
    const isReported =
      dataType !== 'int8' || log.some((line) => /\d+ of \d+ layers compute in int8/.test(line));
    const evaluation = {
      name: `${name} ${dataType}`,
      data_type: dataType,
      given: at('given.onnx'),
      exported: at('exported.onnx'),
      ...(existsSync(at('engine.onnx')) && { engine: at('engine.onnx') }),
      ...(existsSync(at('cal.bin')) && { cache: at('cal.bin') }),
    };
    return {
      name,
      dataType,
      refused: undefined,
      problems: isReported ? [] : ['the share of int8 is not reported'],
      evaluation,
    };
  } catch (thrown) {
    if (!(thrown instanceof UserError))
      return {
        name,
        dataType,
        refused: undefined,
        problems: [`exit 1: ${messageOf(thrown)}`],
        evaluation: undefined,
      };
    const { reason, message } = thrown;
    return { name, dataType, refused: { reason, message }, problems: [], evaluation: undefined };
  }
};

/** Number of parallel exports: the processors of a small machine. */
const atOnce = 2;

/** Results in the order of the networks, each in all of these data types. */
export const evaluateExports = async (
  networks: readonly Generated[],
  types: readonly DataType[],
): Promise<readonly Outcome[]> => {
  const folder = mkdtempSync(join(tmpdir(), 'tlt-generated-'));
  const tensorfile = await calibrationData(folder);
  const wanted = networks.flatMap((network) => types.map((dataType) => [network, dataType] as const));
  const exports: Exported[] = [];
  const worker = async (lane: number): Promise<void> => {
    for (let i = lane; i < wanted.length; i += atOnce) exports[i] = await exportOf(...wanted[i]!, tensorfile);
  };
  await Promise.all(Array.from({ length: atOnce }, (_, lane) => worker(lane)));
  const list = join(folder, 'cases.json');
  writeFileSync(list, JSON.stringify(exports.flatMap(({ evaluation }) => (evaluation ? [evaluation] : []))));
  const found = (await runPeer('evaluate_exports.py', [list])) as { name: string; problems: string[] }[];
  const byName = new Map(found.map(({ name, problems }) => [name, problems]));
  return exports.map(({ evaluation, ...outcome }) => ({
    ...outcome,
    problems: [...outcome.problems, ...(byName.get(evaluation?.name ?? '') ?? [])],
  }));
};
