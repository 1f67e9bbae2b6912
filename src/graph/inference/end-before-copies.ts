/**
 * Lets outputs stay where ONNX Runtime writes them. Its binding for Node.js (1.30, `tensor_helper.cc`) also copies each output
 * into new memory, which takes as long as counting its values. It converts outputs in the graph's order and throws at the first
 * that is no tensor. So such an output comes first: a run then ends after the last layer, before the first copy.
 */
import type { ModelProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { copyWith, graphOf, importDomain, makeUntypedValueInfo } from '../../formats/onnx/graph.ts';
import { makeNode } from '../../formats/onnx/node.ts';
import { tensorFromFloats } from '../../formats/onnx/tensor.ts';
import { outputBeforeAll } from './session.ts';

/** Of the operators that make no tensor, the one that does not depend on the opset. It makes a list of a map. */
const maker = { domain: 'ai.onnx.ml', version: 1, opType: 'ZipMap' } as const;
const constant = `${outputBeforeAll}: zero`;

/** Adds an output that is no tensor, before the others. `runInPlace` runs the model. */
export const endBeforeCopies = (model: ModelProto): ModelProto => {
  const graph = graphOf(model);
  const { domain, version, opType } = maker;
  const attributes = { classlabels_int64s: { ints: [0] } };
  const node = makeNode(opType, { domain, inputs: [constant], outputs: [outputBeforeAll], attributes });
  return copyWith(importDomain(model, domain, version), {
    graph: copyWith(graph, {
      node: [node, ...graph.node],
      initializer: [...graph.initializer, tensorFromFloats(constant, [1, 1], Float32Array.of(0))],
      output: [makeUntypedValueInfo(outputBeforeAll), ...graph.output],
    }),
  });
};
