/** The ONNX that a model was turned into, as files. */

import type { ModelContent } from '../../export/models/model-content.ts';
import { writeModelFile } from '../../formats/onnx/model.ts';
import { writeWholeFile } from '../../ground/base/whole-file.ts';

/**
 * The model as it is, which only this user may read. One file, or the graph and `<target>.data` for weights that one file cannot hold.
 * @throws UserError OutputExists, OutputUnwritable, DiskFull
 */
export const writeOnnx = (
  target: string,
  { model, payload }: Pick<ModelContent, 'model' | 'payload'>,
): Promise<void> =>
  payload
    ? writeWholeFile(target, payload, { overwrite: false, isPrivate: true })
    : writeModelFile(target, model, { externalDataThreshold, isPrivate: true });

/** Bytes; what is smaller stays in the graph, as onnx's own converter has it. */
const externalDataThreshold = 1024;
