"""Runs pairs of ONNX files on the same inputs. The reference runs in onnxruntime, or in onnx's reference evaluator if
onnxruntime does not support an operator. The model runs in onnxruntime after a check by onnx's checker.

Reads a JSON list of {reference, model, inputs?} from a file. Inputs are TensorProto files in the order of the reference's
inputs; the default is random data. Prints a JSON list of {by: runtime of the reference, sqnr: [dB per output]} or {by, error}."""
import json
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator

options = onnxruntime.SessionOptions()
options.log_severity_level = 4
options.intra_op_num_threads = 1


def session(model):
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def random_input(value):
    generator = np.random.default_rng(7)
    tensor = value.type.tensor_type
    shape = [d.dim_value if d.HasField("dim_value") else 2 for d in tensor.shape.dim]
    dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)
    if dtype == np.bool_:
        return generator.integers(0, 2, shape).astype(np.bool_)
    return (generator.standard_normal(shape) if dtype.kind == "f" else generator.integers(0, 9, shape)).astype(dtype)


def outputs(model, feeds):
    try:
        return "onnxruntime", session(model).run(None, feeds)
    except Exception:
        return "onnx", ReferenceEvaluator(model).run(None, feeds)


def flat(values):
    return [each for value in values for each in (value if isinstance(value, list) else [value])]


def decibel(wanted, found):
    assert wanted.shape == found.shape, f"shape {found.shape} for {wanted.shape}"
    assert wanted.dtype == found.dtype, f"type {found.dtype} for {wanted.dtype}"
    if wanted.dtype.kind not in "fc":
        return None if (wanted == found).all() else -1.0
    wanted, found = wanted.astype(np.float64), found.astype(np.float64)
    finite = np.isfinite(wanted)
    if not (np.array_equal(finite, np.isfinite(found)) and np.array_equal(wanted[~finite], found[~finite], equal_nan=True)):
        return -2.0
    noise = float(((wanted - found)[finite] ** 2).sum())
    return 999.0 if noise == 0 else float(10 * np.log10(max(1e-30, float((wanted[finite] ** 2).sum())) / noise))


def compared(pair, answer):
    reference, model = onnx.load(pair["reference"]), onnx.load(pair["model"])
    onnx.checker.check_model(model)
    filled = {tensor.name for tensor in reference.graph.initializer}
    filled |= {tensor.values.name for tensor in reference.graph.sparse_initializer}
    fed = [value for value in reference.graph.input if value.name not in filled]
    given = [numpy_helper.to_array(onnx.load_tensor(path)) for path in pair.get("inputs", [])]
    feeds = {value.name: given[i] if i < len(given) else random_input(value) for i, value in enumerate(fed)}
    answer["by"], wanted = outputs(reference, feeds)
    wanted, found = flat(wanted), flat(session(model).run(None, feeds))
    assert len(wanted) == len(found)
    answer["sqnr"] = [decibel(np.asarray(a), np.asarray(b)) for a, b in zip(wanted, found)]


def answer(pair):
    found = {}
    try:
        compared(pair, found)
    except Exception as error:
        found["error"] = str(error)[:400]
    return found


with open(sys.argv[1]) as file:
    print(json.dumps([answer(pair) for pair in json.load(file)]))
