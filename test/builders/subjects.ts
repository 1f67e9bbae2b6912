/** The trained network of each module up to the plugin nodes at its end, in float and ready for Q/DQ pairs, with an image. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Batch, imageBatches } from '../../src/data/preprocessing/batches.ts';
import { openModel } from '../../src/export/models/open-model.ts';
import { pixelsOf } from '../../src/export/pipeline/calibration-source.ts';
import type { ModelProto } from '../../src/formats/onnx/generated/onnx_pb.ts';
import { copyWith, foldConstants, graphOf } from '../../src/formats/onnx/graph.ts';
import { readsOf } from '../../src/formats/onnx/reads.ts';
import { makeMeasurable } from '../../src/graph/plugins/measurable.ts';
import { prepareForQdq } from '../../src/graph/precision/qdq.ts';
import type { Architecture } from '../../src/ground/contract/architectures.ts';
import { detectorFile, detectorNames, modelFile, scenesFolder } from '../models/models.ts';
import { collect } from './collected.ts';

const fileOf = (module: Architecture): string => {
  const detector = detectorNames.find((name) => name === module);
  if (detector) return detectorFile(detector);
  return modelFile(module === 'classification' ? 'classifier' : 'detectnet_v2');
};

export type Subject = { readonly model: ModelProto; readonly input: string; readonly image: Batch };

/** Opens the network of a module, with the first scene as its input. */
export const openSubject = async (architecture: Architecture): Promise<Subject> => {
  const opened = await openModel({ path: fileOf(architecture), key: 'none', architecture });
  const folded = copyWith(opened.model, { graph: foldConstants(graphOf(opened.model)) });
  const scenes = readdirSync(scenesFolder).filter((name) => name.endsWith('.jpg'));
  const paths = scenes.slice(0, 1).map((name) => join(scenesFolder, name));
  const [image] = await collect(imageBatches(paths, { ...pixelsOf(opened), batchSize: 1 }));
  const model = prepareForQdq(makeMeasurable(folded).running);
  return { model, input: graphOf(model).input[0]!.name, image: image! };
};

/** Tensors that nodes write and no node reads. */
export const endsOf = (model: ModelProto): readonly string[] => {
  const { node } = graphOf(model);
  const read = new Set(node.flatMap(readsOf));
  return node.flatMap(({ output }) => output).filter((name) => name !== '' && !read.has(name));
};
