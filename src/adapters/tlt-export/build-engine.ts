/** `tlt-export --engine_file`: converts the flags to the engine's options. */
import type { EngineOptions } from '../../graph/builders/build-request.ts';
import type { ExportValues } from '../../ground/contract/flags.ts';
import { parseKeepFloat } from './model-flags.ts';

/** Options of the engine. @param trained whether its scales come from quantisation-aware training */
export const makeEngineOptions = (values: ExportValues, trained: boolean): EngineOptions => ({
  backend: values.engine_backend,
  dataType: values.data_type,
  maxBatchSize: values.max_batch_size,
  maxWorkspaceSizeBytes: values.max_workspace_size,
  trained,
  keepFloat: parseKeepFloat(values),
  ...(values.min_agreement !== undefined && { minAgreement: values.min_agreement }),
  settings: {
    // The TensorRT version that builds must be the one whose cache format was requested.
    ...(values.engine_backend === 'TensorRt' && { version: values.tensorrt_version }),
    ...(values.prefer === 'Fastest' && { prefer: values.prefer }),
    ...(values.compute_capability !== undefined && { computeCapability: values.compute_capability }),
    strictTypes: values.strict_type_constraints,
  },
});
