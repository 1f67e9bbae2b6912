"""Writes the models and inputs of onnx's own test cases of single operators that compute with float32, into a folder, and
cases.json: a list of {name, reference, inputs} with the names of the files."""
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
    reference = case.name + ".onnx"
    onnx.save(case.model, os.path.join(folder, reference))
    inputs, _ = case.data_sets[0]
    names = []
    for i, value in enumerate(inputs):
        names.append(f"{case.name}.{i}.pb")
        tensor = value if isinstance(value, onnx.TensorProto) else numpy_helper.from_array(np.asarray(value))
        onnx.save_tensor(tensor, os.path.join(folder, names[-1]))
    return {"name": case.name, "reference": reference, "inputs": names}


def is_plain(case):
    model = case.model
    tensors = all(value.type.HasField("tensor_type") for value in [*model.graph.input, *model.graph.output])
    domains = {opset.domain for opset in model.opset_import}
    return tensors and domains == {""} and uses_floats(model)


cases = sorted((case for case in collect_testcases(None) if is_plain(case)), key=lambda case: case.name)
with open(os.path.join(folder, "cases.json"), "w", encoding="utf-8") as file:
    json.dump([written(case) for case in cases], file)
