/** Converts the flags of `tlt-export` to a request for the export pipeline. */
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import type { SamplePart } from '../../data/preprocessing/sample-part.ts';
import { checkCacheFits } from '../../export/engines/check-cache.ts';
import type { OpenedModel } from '../../export/models/open-model.ts';
import { nameOfSource } from '../../export/pipeline/calibration-source.ts';
import { readHistograms } from '../../export/pipeline/histograms.ts';
import type {
  ExistingCache,
  ExportRequest,
  HistogramStore,
  Int8Request,
} from '../../export/pipeline/request.ts';
import { usesTrainedScales } from '../../export/pipeline/trained-scales.ts';
import type { Cipher } from '../../formats/crypto/encrypted-model.ts';
import { readUsableScales } from '../../formats/scales/calibration-cache.ts';
import { sha256 } from '../../ground/base/digest.ts';
import { UserError } from '../../ground/base/errors.ts';
import { readRegular } from '../../ground/base/readable.ts';
import { writeWholeFile } from '../../ground/base/whole-file.ts';
import type { Architecture } from '../../ground/contract/architectures.ts';
import type { ExportValues } from '../../ground/contract/flags.ts';
import type { ToolContext } from '../cli/tool-context.ts';
import { parseKeepFloat } from './model-flags.ts';
import type { NamedTraining } from './named-training.ts';
import { requireSource, selectSource } from './select-source.ts';

/** The opened inputs of a command line. */
export type CommandInputs = {
  readonly opened: OpenedModel;
  readonly architecture: Architecture;
  readonly key: string;
  readonly cipher: Cipher | undefined;
  readonly training: NamedTraining | undefined;
  readonly context: ToolContext;
};

/**
 * Makes the request. Messages of the pipeline name flags.
 * @throws UserError CacheInvalid, OutputExists for an existing cache that does not match the model
 */
export const requestFromFlags = (values: ExportValues, given: CommandInputs): ExportRequest => {
  const { opened, architecture, key, cipher, context } = given;
  return {
    opened,
    architecture,
    dataType: values.data_type,
    source: values.model,
    key,
    etlts: [{ role: 'etlt', options: { cipher, workFactor: context.workFactor } }],
    forcePtq: values.force_ptq,
    keepFloat: parseKeepFloat(values),
    tensorRtVersion: values.tensorrt_version,
    wantsTensorScales: values.cal_json_file !== undefined,
    int8: values.data_type === 'int8' ? makeInt8Request(values, given) : undefined,
    wantsVerification: false,
    wantsReport: values.report !== undefined,
    buildsEngine: values.engine_file !== undefined && values.engine_backend === 'OnnxRuntime',
    audience: 'flag',
  };
};

const makeInt8Request = (values: ExportValues, { opened, training, context }: CommandInputs): Int8Request => {
  const { batches, batch_size: batchSize, cal_algorithm: algorithm, seed } = values;
  const part = parseSamplePart(values);
  const errorBudget = {
    share: values.max_broken,
    onBroken: ({ message }: UserError) => context.log('WARNING', `Skipped: ${message}`),
  };
  return {
    existing: readExistingCache(values, opened),
    calibration: { batches, batchSize, algorithm, seed, errorBudget, ...(part && { part }) },
    source: () => {
      const source = requireSource(values, training);
      return { source, name: nameOfSource(source) };
    },
    histograms: makeHistogramStore(values),
    comparedFolder: values.cal_image_dir,
    namesData: [values.cal_data_file, values.cal_histogram_file, values.cal_image_dir].some(
      (given) => given !== undefined,
    ),
    minAgreement: values.min_agreement,
    sensitivity: values.sensitivity,
    requireInt8: values.require_int8,
    equalize: values.equalize,
    chooseAlgorithm: values.choose_algorithm,
  };
};

/** Reads an existing `--cal_cache_file`. If the model uses its own scales, the pipeline refuses any existing cache. */
const readExistingCache = (values: ExportValues, opened: OpenedModel): ExistingCache | undefined => {
  const path = values.cal_cache_file;
  if (values.cal_part !== undefined || !existsSync(path)) return undefined;
  const bytes = readRegular(path, 'textBytes');
  const file = { name: path, sha256: sha256(bytes), sizeBytes: bytes.length };
  if (usesTrainedScales(opened, values.force_ptq)) return { scales: new Map(), file };
  const scales = readUsableScales(new TextDecoder().decode(bytes));
  checkCacheFits(path, scales, { opened, keepFloat: parseKeepFloat(values) });
  return { scales, file: { ...file, name: basename(path) } };
};

const makeHistogramStore = (values: ExportValues): HistogramStore | undefined => {
  const { cal_histogram_file: path } = values;
  if (path === undefined) return undefined;
  return {
    name: path,
    owner: 'User',
    read: async () => (existsSync(path) ? readHistograms(path) : undefined),
    write: async (bytes) => {
      await writeWholeFile(path, bytes, { overwrite: false });
      return true;
    },
    drawnFrom: existsSync(path) ? selectSource(values, undefined) : undefined,
  };
};

/** Parses `--cal_part`. @throws UserError Usage */
export const parseSamplePart = ({
  cal_part: text,
  batches,
  batch_size,
}: ExportValues): SamplePart | undefined => {
  if (text === undefined) return undefined;
  const [part, of] = /^(\d{1,6})\/(\d{1,6})$/.exec(text)?.slice(1).map(Number) ?? [];
  const images = batches * batch_size;
  if (part !== undefined && of !== undefined && 1 <= part && part <= of && of <= images) return { part, of };
  throw new UserError(
    'Usage',
    `Counting a part of the calibration images: --cal_part is '${text}', and must be I/N with I from 1 to N and N at most the ${images} images, for example 1/2.`,
  );
};
