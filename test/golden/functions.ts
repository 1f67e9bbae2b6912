/** The functions of golden values: of this version, and of a checkout of commit 75195d3. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { CalibrationTensorfile } from '../../src/cluster/api/calibration-tensorfile.ts';
import type { ExportDeviceClass } from '../../src/cluster/api/export-device-class.ts';
import type { ModelExport } from '../../src/cluster/api/model-export.ts';
import {
  computeExportKey,
  computeHistogramsKey,
  computeTensorfileKey,
  hashEngineInputs,
} from '../../src/cluster/jobs/keys.ts';
import { parseModel, serializeModel } from '../../src/formats/onnx/model.ts';
import { parseCalibrationCache } from '../../src/formats/scales/calibration-cache.ts';
import { convertToHalf } from '../../src/graph/precision/half.ts';
import { quantiseModel } from '../../src/graph/precision/qdq.ts';
import { contentKey } from '../../src/ground/base/digest.ts';

/** Pure functions whose results are golden. Graphs are serialized, scales are the text of a calibration cache. */
export type Functions = {
  readonly quantise: (model: Uint8Array, cache: string) => Uint8Array;
  readonly half: (model: Uint8Array) => Uint8Array;
  readonly contentKey: (value: unknown) => string;
  readonly exportKey: (modelExport: ModelExport) => string;
  readonly histogramsKey: (modelExport: ModelExport) => string;
  readonly tensorfileKey: (tensorfile: CalibrationTensorfile) => string;
  readonly engineKey: (modelExport: ModelExport, deviceClass: ExportDeviceClass) => string;
};

export const functionsNow: Functions = {
  quantise: (model, cache) =>
    serializeModel(quantiseModel(parseModel(model), parseCalibrationCache(cache).scales)),
  half: (model) => serializeModel(convertToHalf(parseModel(model))),
  contentKey,
  exportKey: computeExportKey,
  histogramsKey: computeHistogramsKey,
  tensorfileKey: computeTensorfileKey,
  engineKey: ({ spec }, deviceClass) =>
    hashEngineInputs({
      spec,
      deviceClass,
      payloadDigest: 'e',
      calibrationCacheSha256: 'c',
      stored: undefined,
    }),
};

// biome-ignore lint/suspicious/noExplicitAny: the modules of another version have no types here
type Untyped = any;

/** Loads the functions from a checkout of commit 75195d3. */
export const functionsOfFirst = async (checkout: string): Promise<Functions> => {
  const load = (file: string): Promise<Untyped> => import(pathToFileURL(join(checkout, 'src', file)).href);
  const onnx = await load('formats/onnx/model.ts');
  const { quantisedModel } = await load('engines/qdq.ts');
  const { halfModel } = await load('engines/half.ts');
  const caches = await load('formats/calibration-cache.ts');
  const keys = await load('jobs/keys.ts');
  const digest = await load('base/digest.ts');
  return {
    ...keys,
    contentKey: digest.contentKey,
    quantise: (model, cache) =>
      onnx.serializeModel(quantisedModel(onnx.parseModel(model), caches.parseCalibrationCache(cache).scales)),
    half: (model) => onnx.serializeModel(halfModel(onnx.parseModel(model))),
    engineKey: ({ spec }, deviceClass) =>
      keys.engineKey({ spec, deviceClass, etltSha256: 'e', calibrationCacheSha256: 'c' }),
  };
};
