/** Writes a converted model. */
import type { ModelContent } from '../../export/models/model-content.ts';
import { writeModelFile } from '../../formats/onnx/model.ts';
import { writeWholeFile } from '../../ground/base/whole-file.ts';

/**
 * Writes the decrypted model, readable by this user only: one file, or the graph and `<target>.data` if the weights exceed the
 * size limit of one file.
 * @throws UserError OutputExists, OutputUnwritable, DiskFull
 */
export const writeOnnx = (
  target: string,
  { model, payload }: Pick<ModelContent, 'model' | 'payload'>,
): Promise<void> =>
  payload
    ? writeWholeFile(target, payload, { overwrite: false, isPrivate: true })
    : writeModelFile(target, model, { externalDataThreshold, isPrivate: true });

/** Bytes. Smaller tensors stay in the graph, as in onnx's `convert_model_to_external_data`. */
const externalDataThreshold = 1024;
