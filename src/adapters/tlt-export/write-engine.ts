/** `tlt-export --engine_file`: builds the engine, and writes the files beside it when the artifacts of the export are stored. */
import { findClassNames } from '../../export/deployment/class-names.ts';
import { buildEngineFile, type EngineFileResult } from '../../export/engines/build-engine-file.ts';
import type { MeasuredEngine, PreparedExport } from '../../export/pipeline/artifacts.ts';
import { findScaleChoice } from '../../export/pipeline/distributions.ts';
import type { EngineOptions } from '../../graph/builders/build-request.ts';
import { fileDigest } from '../../ground/base/digest.ts';
import type { Material } from '../../ground/contract/deployment.ts';
import type { ExportValues } from '../../ground/contract/flags.ts';
import { addDeploymentFiles } from '../cli/deployment.ts';
import type { ExportContext } from '../cli/tool-context.ts';
import { artifactPaths } from './artifact-files.ts';
import { makeEngineOptions } from './build-engine.ts';
import type { NamedTraining } from './named-training.ts';

/** An export whose engine is to be written. */
export type EngineToWrite = {
  readonly values: ExportValues;
  readonly prepared: PreparedExport;
  readonly training: NamedTraining | undefined;
};

/** A built engine. */
export type WrittenEngine = { readonly options: EngineOptions; readonly built: EngineFileResult };

/** Builds the engine. @throws UserError as `buildEngineFile` */
export const writeEngine = async (
  { values, prepared: { request, quantised, comparison } }: EngineToWrite,
  context: ExportContext,
): Promise<WrittenEngine> => {
  const options = makeEngineOptions(values, quantised?.origin === 'Training');
  const chooses = options.backend === 'OnnxRuntime';
  const found = chooses && quantised ? await findScaleChoice(request.opened, quantised) : undefined;
  const choice = found && { ...found, float: comparison?.float };
  const { python, engine_file: file } = values;
  const build = { network: request.opened, options, scales: quantised?.scales, choice, file: file!, python };
  return { options, built: await buildEngineFile(build, context) };
};

/** What the report says of the engine. */
export const describeMeasured = ({ built: { report } }: WrittenEngine): MeasuredEngine => {
  const { latency, note, warnings } = report;
  const { p50Microseconds, floatP50Microseconds } = { ...latency };
  const isTimed = p50Microseconds !== undefined && floatP50Microseconds !== undefined;
  return {
    latency: isTimed
      ? { floatMicroseconds: floatP50Microseconds, int8Microseconds: p50Microseconds }
      : undefined,
    notes: [...(note === undefined ? [] : [note]), ...warnings],
  };
};

/** Writes the deployment files of an engine. @throws UserError as `findClassNames`, and on unwritable files */
export const writeEngineDeployment = async (
  { values, prepared, training }: EngineToWrite,
  { options, built }: WrittenEngine,
  context: ExportContext,
): Promise<void> => {
  const { request } = prepared;
  const { opened, architecture, key } = request;
  const engineFile = values.engine_file!;
  const { etlt, calibrationCache } = artifactPaths(values);
  const { classmap_json: classmap } = values;
  const labels = await findClassNames({ ...training, classmap });
  const isInt8 = values.data_type === 'int8';
  const cache = isInt8 ? context.outputs.placeOf(calibrationCache) : undefined;
  const materials: readonly Material[] = [
    { name: 'etlt', sha256: await fileDigest(context.outputs.placeOf(etlt)) },
    ...(cache === undefined ? [] : [{ name: 'calibrationCache', sha256: await fileDigest(cache) }]),
  ];
  const { describeNetwork } = await import('../../export/deployment/network-facts.ts');
  const notes = await addDeploymentFiles(
    {
      tool: 'tlt-export',
      network: describeNetwork({ architecture, opened, labels, inputs: { model: opened.sha256 } }),
      options: { ...options, dataType: built.report.chosen?.dataType ?? options.dataType },
      built,
      engineFile,
      materials,
      ...(request.etlts[0]?.options.cipher && { encodedModel: etlt }),
      ...(isInt8 && { calibrationCache }),
      ...(values.key_in_config && { key }),
    },
    context.outputs,
  );
  for (const note of notes) context.logAtEnd(note);
};
