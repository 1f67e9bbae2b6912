/** `tlt-export`: flags → files, with TLT's own log lines. Outputs appear whole or not at all; nothing is overwritten. */
import { existsSync } from 'node:fs';
import { parse as parsePath } from 'node:path';
import { type OpenedModel, openModel } from '../../export/models/open-model.ts';
import { requireAgreement } from '../../export/pipeline/agreement-gate.ts';
import { etltOf } from '../../export/pipeline/export.ts';
import type { CalibrationDone } from '../../export/pipeline/report.ts';
import { usesTrainedScales } from '../../export/pipeline/trained-scales.ts';
import type { Cipher } from '../../formats/crypto/encrypted-model.ts';
import { provenCodec } from '../../formats/crypto/external/codec.ts';
import { readKey } from '../../formats/crypto/key.ts';
import { usableScales } from '../../formats/scales/calibration-cache.ts';
import { integerNote } from '../../graph/precision/foreign-quantisers.ts';
import { UserError } from '../../ground/base/errors.ts';
import { readRegular } from '../../ground/base/readable.ts';
import { makeOutputs, refuseToOverwrite, requireWritableFolder } from '../../ground/base/whole-file.ts';
import { type Architecture, architectures } from '../../ground/contract/architectures.ts';
import type { ExportValues } from '../../ground/contract/flags.ts';
import { exportProgram } from '../../ground/contract/programs.ts';
import { parseCommandLine } from '../cli/command-line.ts';
import { commandWords } from '../cli/command-words.ts';
import { buildEngineFile, refuseEngine, refuseGraph } from './build-engine.ts';
import { requireFitting, tellKeptFloat } from './kept-float.ts';
import { modelSettingsOf } from './model-flags.ts';
import type { NamedTraining } from './named-training.ts';
import { type Judged, refuseReportFiles, writeReportFiles } from './report-files.ts';
import {
  countPart,
  hasHistograms,
  newCalibration,
  refuseHistograms,
  refusePart,
  reusedCalibration,
} from './tool-calibration.ts';
import { toldSensitivity } from './tool-sensitivity.ts';
import { refuseSource, requiredSource, sourceOf, trainingOf } from './tool-source.ts';
import { reportedVerdict } from './tool-verdict.ts';
import type { ExportWorld, ToolWorld } from './tool-world.ts';
import { writeTrainedFiles } from './trained-files.ts';

/** @throws UserError with the reason that becomes the exit status */
export const runExportCommand = async (argv: readonly string[], world: ToolWorld): Promise<void> => {
  const line = parseCommandLine(exportProgram, argv);
  if (line.help !== undefined) return world.print(line.help);
  const architecture = line.operands[0] as Architecture;
  const { values } = line;
  const output = values.output_file ?? `./${parsePath(values.model).name}.etlt`;
  const settings = modelSettingsOf(values);
  const training = await trainingOf(architecture, values, world);
  await refuseEarly(architecture, { values, output, training });
  const key = await readKey({ key: values.key, keyFile: values.key_file, env: world.env });
  world.log('INFO', `Loading model from ${values.model}`);
  const cipher = await codecOf(values, key, world);
  const spec = training?.spec;
  const opened = await openModel({ path: values.model, key, architecture, cipher, spec, settings });
  if (values.data_type === 'int8') noteIntegers(opened, world);
  if (values.cal_part !== undefined)
    return countPart(opened, { values, world }, requiredSource(values, training));
  if (values.engine_file !== undefined) refuseGraph(opened, values);
  await using outputs = makeOutputs();
  const messages: string[] = [];
  const exporting = { ...world, outputs, logAtEnd: (message: string) => void messages.push(message) };
  const context = { architecture, values, world: exporting, training };
  await writeExport(opened, context, { output, key, cipher });
  await outputs.publish();
  for (const message of messages) world.log('INFO', message);
};

type Etlt = { readonly output: string; readonly key: string; readonly cipher: Cipher | undefined };

/** All files of the export, without their names. */
const writeExport = async (
  opened: OpenedModel,
  context: Context,
  { output, key, cipher }: Etlt,
): Promise<void> => {
  const { architecture, values, world } = context;
  const { quantised, verdict } = await scalesOf(opened, context);
  const etlt = await etltOf(opened, key, { cipher, workFactor: world.workFactor });
  await world.outputs.write(output, etlt);
  world.logAtEnd(`Converted model was saved into ${output}`);
  world.logAtEnd(`Input node: ${opened.input}`);
  world.logAtEnd(`Output node(s): [${opened.outputs.map((name) => `'${name}'`).join(', ')}]`);
  if (values.report !== undefined)
    await writeReportFiles(values.report, {
      ...{ opened, architecture, values, output, quantised, verdict, world },
    });
  if (values.engine_file !== undefined)
    await buildEngineFile(opened, { values, scales: quantised?.scales, world });
};

/** @throws UserError ModelUnsupported for a model that is quantised already, before any work */
const noteIntegers = ({ model }: OpenedModel, { log }: ToolWorld): void => {
  const note = integerNote(model);
  if (note !== undefined) log('WARNING', note);
};

/** Undefined: age. @throws UserError Usage, CodecFailed, WrongKey */
const codecOf = async (
  { codec_command: text }: ExportValues,
  key: string,
  { signal, log }: ToolWorld,
): Promise<Cipher | undefined> => {
  if (text === undefined) return undefined;
  const warn = (line: string) => log('WARNING', line);
  return provenCodec({ command: commandWords(text), signal, warn }, key);
};

type Early = {
  readonly values: ExportValues;
  /** Path of the `.etlt`. */
  readonly output: string;
  readonly training: NamedTraining | undefined;
};

/** All that can be known to fail is asked before the first long step. */
const refuseEarly = async (
  architecture: Architecture,
  { values, output, training }: Early,
): Promise<void> => {
  if (values.cal_part !== undefined) return refusePart(values);
  if (architectures[architecture].needsSpec && values.experiment_spec === undefined)
    throw new UserError(
      'SpecInvalid',
      `Exporting ${architecture}: -e is missing. Name the experiment spec of the training.`,
    );
  await refuseToOverwrite(output);
  await requireWritableFolder(output);
  if (values.report !== undefined) await refuseReportFiles(values.report);
  if (values.cal_json_file !== undefined) {
    await refuseToOverwrite(values.cal_json_file);
    await requireWritableFolder(values.cal_json_file);
  }
  if (values.engine_file !== undefined) {
    await refuseToOverwrite(values.engine_file);
    await requireWritableFolder(values.engine_file);
    refuseEngine(values);
  }
  if (values.data_type !== 'int8') return;
  await requireWritableFolder(values.cal_cache_file);
  if (values.min_agreement !== undefined && existsSync(values.cal_cache_file))
    throw new UserError(
      'OutputExists',
      `Exporting for int8: ${values.cal_cache_file} is there already and would be used again, so no images are kept out of calibration for --min_agreement. Remove the cache, or name another file by --cal_cache_file.`,
    );
  await refuseHistograms(values);
  if (!existsSync(values.cal_cache_file)) await refuseSource(values, training);
};

type Context = {
  readonly architecture: Architecture;
  readonly values: ExportValues;
  readonly world: ExportWorld;
  readonly training: NamedTraining | undefined;
};

/** What int8 needs, by training or by calibration; files that say it are written. */
const scalesOf = async (opened: OpenedModel, context: Context): Promise<Judged> => {
  const { values, world } = context;
  tellKeptFloat(opened, values, world);
  if (usesTrainedScales(opened, values.force_ptq)) return writeTrainedFiles(opened, context);
  if (values.cal_json_file !== undefined)
    world.log(
      'WARNING',
      `${values.cal_json_file} is not written: there are no scales of training in use (the model has none, or --force_ptq throws them away).`,
    );
  if (values.data_type === 'int8') return cacheScales(opened, context);
  return { quantised: undefined, verdict: await reportedVerdict(opened, context, { scales: undefined }) };
};

/** Scales from the cache that is there, which is said loudly, or from a new one. */
const cacheScales = async (opened: OpenedModel, context: Context): Promise<Judged> => {
  const { values, world } = context;
  const path = values.cal_cache_file;
  if (existsSync(path)) return reused(path, opened, context);
  const calibration = await calibrationOf(opened, context);
  const { cache, scales, statistics } = calibration.calibrated;
  const least = values.min_agreement;
  const quantised = calibration.calibrated;
  const verdict = await reportedVerdict(opened, context, quantised);
  await requireAgreement(opened, { quantised, least, watch: world });
  const sensitivity = await toldSensitivity(opened, context, quantised);
  await world.outputs.write(path, cache);
  world.logAtEnd(
    `Calibration cache of ${scales.size} tensors from ${statistics.images} images was saved into ${path}`,
  );
  return { quantised: { scales, calibration, sensitivity }, verdict };
};

const reused = async (path: string, opened: OpenedModel, context: Context): Promise<Judged> => {
  const scales = await reusedScales(path, opened, context);
  const verdict = await reportedVerdict(opened, context, { scales });
  return { quantised: { scales, calibration: undefined }, verdict };
};

const calibrationOf = (opened: OpenedModel, context: Context): Promise<CalibrationDone> => {
  const { values, training } = context;
  if (hasHistograms(values)) return reusedCalibration(opened, context, sourceOf(values, undefined));
  return newCalibration(opened, context, requiredSource(values, training));
};

/** @throws UserError CacheInvalid if it does not parse or is of another model, OutputExists */
const reusedScales = async (
  path: string,
  opened: OpenedModel,
  { values, world }: Context,
): Promise<ReadonlyMap<string, number>> => {
  const scales = usableScales(new TextDecoder().decode(readRegular(path, 'textBytes')));
  requireFitting(path, scales, { opened, values });
  world.log(
    'WARNING',
    `Calibration file exists at ${path}. Reading this cache: the images were not calibrated with.`,
  );
  return scales;
};
