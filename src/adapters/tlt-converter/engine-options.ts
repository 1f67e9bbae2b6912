/** Converts the flags of `tlt-converter` to the options of an engine, and refuses combinations that cannot work. */

import type { EngineOptions } from '../../graph/builders/build-request.ts';
import { findModuleVersion } from '../../graph/builders/module-version.ts';
import { type ConverterValues, converterProgram } from '../../ground/contract/converter-program.ts';
import { isTensorRt } from '../../ground/plans/families.ts';
import { usageError } from '../cli/command-line.ts';
import { parseNames } from '../cli/parse-values.ts';
import { batchOf, type ShapeProfile } from './profile.ts';

/** @throws UserError Usage for a flag that the backend, or an exported model, cannot follow */
export const checkFlags = ({ input_order, backend, ...values }: ConverterValues): void => {
  const { name } = converterProgram;
  if (input_order !== 'nchw')
    throw usageError(
      { name },
      `--input_order is '${input_order}', and the graph of an exported model takes nchw images. Omit it`,
    );
  if (isTensorRt(backend)) return;
  for (const flag of ['dla_core', 'compute_capability', 'tensorrt_version'] as const)
    if (values[flag] !== undefined)
      throw usageError(
        { name },
        `--${flag} is a setting of TensorRT, and --backend ${backend} builds for a CPU. Omit it, or choose another backend`,
      );
};

/**
 * Options of the engine. Without `--tensorrt_version`, the version of the installed module is planned for.
 * @throws UserError EngineBuildFailed if Python or its module cannot be loaded
 */
export const makeConverterOptions = async (
  values: ConverterValues,
  profile: ShapeProfile | undefined,
): Promise<EngineOptions> => {
  const { backend, data_type: dataType, max_batch_size: max, batch_size, dla_core: core } = values;
  const batch = profile ? batchOf(profile) : { min: 1, opt: Math.min(batch_size, max), max };
  return {
    backend,
    dataType,
    maxBatchSize: batch.max,
    batch,
    maxWorkspaceSizeBytes: values.max_workspace_size,
    trained: values.trained_scales,
    keepFloat: parseNames(values.keep_float ?? ''),
    settings: {
      ...(isTensorRt(backend) && {
        version: values.tensorrt_version ?? (await findModuleVersion(backend, values.python)),
      }),
      ...(values.compute_capability !== undefined && { computeCapability: values.compute_capability }),
      ...(core !== undefined && { dla: { core, gpuFallback: true } }),
      strictTypes: values.strict_type_constraints,
    },
  };
};
