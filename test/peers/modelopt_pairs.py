"""Lists the tensors to which NVIDIA's Model Optimizer gives Q/DQ pairs in an ONNX model, weights aside, as JSON.

Usage: modelopt_pairs.py MODEL.onnx. Needs nvidia-modelopt[onnx] 0.47.0, whose int8 placement imports torch and does not call it.
"""
import json
import sys
import tempfile

import numpy
import onnx
from modelopt.onnx.quantization import quantize
from onnxruntime import InferenceSession

model = onnx.load(sys.argv[1])
graph = model.graph
port = graph.input[0]
dims = [size.dim_value or 1 for size in port.type.tensor_type.shape.dim]
image = {port.name: numpy.random.default_rng(1).normal(size=dims).astype("float32") * 50}

read = {name for node in graph.node for name in node.input}
ends = [name for node in graph.node for name in node.output if name and name not in read]
del graph.output[:]
graph.output.extend(onnx.ValueInfoProto(name=name) for name in ends)
values = InferenceSession(model.SerializeToString()).run(ends, image)
del graph.output[:]
for name, value in zip(ends, values):
    kind = onnx.helper.np_dtype_to_tensor_dtype(value.dtype)
    graph.output.append(onnx.helper.make_tensor_value_info(name, kind, value.shape))

with tempfile.TemporaryDirectory() as folder:
    onnx.save(model, f"{folder}/float.onnx")
    quantize(
        f"{folder}/float.onnx",
        calibration_data=image,
        calibration_method="max",
        calibration_eps=["cpu"],
        high_precision_dtype="fp32",
        log_level="ERROR",
        output_path=f"{folder}/int8.onnx",
    )
    int8 = onnx.load(f"{folder}/int8.onnx").graph
constants = {tensor.name for tensor in int8.initializer}
quantised = [node.input[0] for node in int8.node if node.op_type == "QuantizeLinear"]
print(json.dumps(sorted({name for name in quantised if name not in constants})))
