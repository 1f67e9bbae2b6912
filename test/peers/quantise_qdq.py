"""Makes a model with Q/DQ pairs with onnxruntime's own quantiser, and reads its scales independently of this project.

usage: quantise_qdq.py SOURCE.onnx FOLDER INPUT_NAME KINDS TENSOR.pb [...]

KINDS is int8, uint8, or both separated by a comma. Writes FOLDER/KIND.onnx, and FOLDER/KIND-clean.onnx: the same model
without its pairs, with dequantised weights. Prints {kind: {tensor: range}}: 127 times the scale of each activation pair, the
largest if there are several.
"""
import json
import os
import sys

import numpy as np
import onnx
from onnx import numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static


class Reader(CalibrationDataReader):
    def __init__(self, name, paths):
        self.feeds = iter([{name: numpy_helper.to_array(onnx.load_tensor(path))} for path in paths])

    def get_next(self):
        return next(self.feeds, None)


def quantise(source, target, name, kind, paths):
    model = onnx.load(source)
    for opset in model.opset_import:
        opset.domain = "" if opset.domain == "ai.onnx" else opset.domain  # Both names mean the same domain, but the quantiser knows only one.
    quantize_static(
        model, target, Reader(name, paths), quant_format=QuantFormat.QDQ, per_channel=True,
        activation_type=QuantType.QInt8 if kind == "int8" else QuantType.QUInt8, weight_type=QuantType.QInt8,
        extra_options={"ActivationSymmetric": True, "WeightSymmetric": True},
    )


def along(values, axis, rank):
    return values if values.ndim == 0 or values.size == 1 else values.reshape([-1 if i == axis else 1 for i in range(rank)])


def take_out(model):
    graph = model.graph
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    quantised = {node.output[0]: node for node in graph.node if node.op_type == "QuantizeLinear"}
    outputs = {value.name for value in graph.output}
    ranges, stand_in, kept = {}, {}, []
    for node in graph.node:
        if node.op_type == "QuantizeLinear":
            continue
        if node.op_type != "DequantizeLinear":
            kept.append(node)
        elif node.input[0] in quantised:
            tensor, scale = quantised[node.input[0]].input[:2]
            name = node.output[0] if node.output[0] in outputs else tensor
            stand_in[tensor if name != tensor else node.output[0]] = name
            ranges[name] = max(ranges.get(name, 0.0), float(np.float64(constants[scale]) * 127))
        else:
            levels, scale = constants[node.input[0]], constants[node.input[1]]
            zero = constants[node.input[2]] if len(node.input) > 2 else np.zeros((), levels.dtype)
            axis = next((a.i for a in node.attribute if a.name == "axis"), 1)
            shape = lambda values: along(values, axis, levels.ndim)
            floats = (levels.astype(np.float32) - shape(zero).astype(np.float32)) * shape(scale)
            graph.initializer.append(numpy_helper.from_array(floats.astype(np.float32), node.output[0]))
    for node in kept:
        node.input[:] = [stand_in.get(name, name) for name in node.input]
        node.output[:] = [stand_in.get(name, name) for name in node.output]
    del graph.node[:], graph.value_info[:]
    graph.node.extend(kept)
    return ranges


source, folder, name, kinds, *paths = sys.argv[1:]
found = {}
for kind in kinds.split(","):
    target = os.path.join(folder, f"{kind}.onnx")
    quantise(source, target, name, kind, paths)
    model = onnx.load(target)
    found[kind] = take_out(model)
    onnx.save(model, os.path.join(folder, f"{kind}-clean.onnx"))
print(json.dumps(found))
