/** What a saved ONNX Runtime engine computes with integers, read from its optimised graph. */
import { readFile } from 'node:fs/promises';
import { allNodes } from '../../formats/onnx/graph.ts';
import { parseModel } from '../../formats/onnx/model.ts';
import { formatMilliseconds } from '../../ground/base/amounts.ts';
import { layerName } from '../precision/float-layers.ts';
import { integerNodes } from '../precision/foreign-quantisers.ts';

/** Arithmetic of a quantised engine. */
export type EngineIntegers = {
  /** Number of operators that compute with integers. */
  readonly operators: number;
  /** Names of convolutions and matrix products that compute in float. */
  readonly floatLayers: readonly string[];
};

/** Reads an engine; undefined for one without quantised tensors. @throws UserError ModelInvalid */
export const readEngineIntegers = async (engine: string): Promise<EngineIntegers | undefined> => {
  const model = parseModel(await readFile(engine));
  const nodes = allNodes(model);
  const operators = integerNodes(model).length;
  const isQuantised = operators > 0 || nodes.some(({ opType }) => opType === 'QuantizeLinear');
  if (!isQuantised) return undefined;
  return { operators, floatLayers: nodes.filter(({ opType }) => isFloatLayer(opType)).map(layerName) };
};

const isFloatLayer = (opType: string): boolean => /^(Fused)?(Conv|ConvTranspose|Gemm|MatMul)$/.test(opType);

const mostNamed = 5;

/** A sentence for an engine that is slower than the float graph; undefined for a faster one. */
export const describeSlowness = (
  { operators, floatLayers }: EngineIntegers,
  { int8, float }: { readonly int8: number; readonly float: number },
): string | undefined => {
  if (int8 <= float) return undefined;
  const [first, more] = [floatLayers.slice(0, mostNamed), floatLayers.length - mostNamed];
  const named = first.length === 0 ? '' : ` (${first.join(', ')}${more > 0 ? ` and ${more} more` : ''})`;
  return `On this processor, int8 is slower than float: ${formatMilliseconds(int8)} against ${formatMilliseconds(float)}. ${operators} operators compute with integers, ${floatLayers.length} layers${named} and all other operators in float, with conversions between. For speed, build this class in fp32.`;
};
