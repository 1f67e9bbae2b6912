"""Writes the models and inputs of onnx's own test cases of single operators that compute with float32, into a folder.
Prints a JSON list of {name, reference, inputs}."""
import json
import os
import sys

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.backend.test.case.node import collect_testcases

folder = sys.argv[1]
FLOAT = onnx.TensorProto.FLOAT


def uses_floats(model):
    infos = [*model.graph.input, *model.graph.output]
    return any(value.type.tensor_type.elem_type == FLOAT for value in infos)


def written(case):
    reference = os.path.join(folder, case.name + ".onnx")
    onnx.save(case.model, reference)
    inputs, _ = case.data_sets[0]
    paths = []
    for i, value in enumerate(inputs):
        paths.append(os.path.join(folder, f"{case.name}.{i}.pb"))
        tensor = value if isinstance(value, onnx.TensorProto) else numpy_helper.from_array(np.asarray(value))
        onnx.save_tensor(tensor, paths[-1])
    return {"name": case.name, "reference": reference, "inputs": paths}


def is_plain(case):
    model = case.model
    tensors = all(value.type.HasField("tensor_type") for value in [*model.graph.input, *model.graph.output])
    domains = {opset.domain for opset in model.opset_import}
    return tensors and domains == {""} and uses_floats(model)


cases = sorted((case for case in collect_testcases(None) if is_plain(case)), key=lambda case: case.name)
print(json.dumps([written(case) for case in cases]))
