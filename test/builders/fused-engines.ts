/** Int8 engines of ONNX Runtime made of small networks, and what their optimised graphs hold. */
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ModelProto } from '../../src/formats/onnx/generated/onnx_pb.ts';
import { copyWith, graphOf, makeUntypedValueInfo } from '../../src/formats/onnx/graph.ts';
import { parseModel, serializeModel } from '../../src/formats/onnx/model.ts';
import { openSession } from '../../src/graph/inference/session.ts';
import {
  type FusedRequest,
  type IntegerTypes,
  quantiseFused,
} from '../../src/graph/precision/fused/fused-qdq.ts';
import { input, side } from './networks.ts';

/** Two images. */
export const images = {
  dims: [2, 3, side, side],
  data: Float32Array.from({ length: 6 * side * side }, (_, i) => ((i * 7919) % 251) - 110),
};

/** Outputs of a model on them. */
export const run = async (model: ModelProto | string, names?: readonly string[]) => {
  const session = await openSession(typeof model === 'string' ? model : serializeModel(model));
  try {
    return await session.run({ [input]: images }, names);
  } finally {
    await session.release();
  }
};

/** The largest value of each tensor / 127. */
export const scalesOf = async (model: ModelProto): Promise<Map<string, number>> => {
  const graph = graphOf(model);
  const names = graph.node.flatMap((node) => node.output);
  const all = copyWith(model, { graph: copyWith(graph, { output: names.map(makeUntypedValueInfo) }) });
  const found = { ...(await run(all)), [input]: images };
  return new Map(
    Object.entries(found).map(([name, { data }]) => [
      name,
      data.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / 127,
    ]),
  );
};

/** Integers of a processor with VNNI. */
export const vnni: IntegerTypes = { activations: 'uint8', weights: 'int8' };

/** Saves the engine, and counts the operators of its graph. */
export const built = async (
  model: ModelProto,
  { types = vnni, scales, extents }: Partial<FusedRequest> = {},
) => {
  const path = join(mkdtempSync(join(tmpdir(), 'fused-')), 'engine.onnx');
  const quantised = quantiseFused(model, { scales: scales ?? (await scalesOf(model)), types, extents });
  const options = { optimisation: 'all', optimisedModelPath: path, threads: 1 } as const;
  await (await openSession(serializeModel(quantised), options)).release();
  const counts: Record<string, number> = {};
  for (const { opType } of graphOf(parseModel(readFileSync(path))).node)
    counts[opType] = (counts[opType] ?? 0) + 1;
  return { path, counts };
};
