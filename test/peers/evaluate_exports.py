"""Checks exports independently of this project's code: with onnx's checker, onnxruntime, and an analysis of dependencies.

usage: evaluate_exports.py CASES.json

CASES.json lists {name, given, exported, engine?, cache?, data_type}: paths of the input model, of the ONNX file in the
.etlt, of an engine for this CPU, and of a calibration cache. Prints a JSON list of {name, problems}.
"""
import json
import sys

import numpy as np
import onnx
import onnxruntime

LEAST_DB = {"fp32": 60, "fp16": 30, "int8": 3}
onnxruntime.set_default_logger_severity(4)


def session(model):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def pictures():
    random = np.random.default_rng(5)
    slope = np.linspace(-100, 120, 16, dtype=np.float32)
    base = slope[None, None, :, None] * random.uniform(-1, 1, (4, 3, 1, 1)) + slope[None, None, None, :] * random.uniform(-1, 1, (4, 3, 1, 1))
    return (base + random.normal(0, 15, (4, 3, 16, 16))).astype(np.float32)


def decibels(reference, other):
    signal, noise = np.sum(reference.astype(np.float64) ** 2), np.sum((reference.astype(np.float64) - other) ** 2)
    return np.inf if noise == 0 else 10 * np.log10(signal / noise) if np.isfinite(noise) else -np.inf


def outer_reads(node):
    """Names of the tensors that a node or its bodies read from the graph around it."""
    reads = set(filter(None, node.input))
    for attribute in node.attribute:
        for body in ([attribute.g] if attribute.type == onnx.AttributeProto.GRAPH else attribute.graphs):
            own = {v.name for v in body.input} | {t.name for t in body.initializer} | {o for n in body.node for o in n.output}
            reads |= {r for n in body.node for r in outer_reads(n)} | {v.name for v in body.output}
            reads -= own
    return reads


def float_tensors(model):
    """Float tensors of the graph that depend on the values of its input."""
    from_images = {model.graph.input[0].name}
    for node in model.graph.node:
        if node.op_type not in ("Shape", "Size") and outer_reads(node) & from_images:
            from_images |= set(filter(None, node.output))
    exposed = onnx.ModelProto()
    exposed.CopyFrom(model)
    known = {value.name for value in exposed.graph.output}
    exposed.graph.output.extend(onnx.ValueInfoProto(name=name) for name in sorted(from_images - known - {model.graph.input[0].name}))
    outputs = session(exposed.SerializeToString()).get_outputs()
    return {model.graph.input[0].name} | {each.name for each in outputs if each.type in ("tensor(float)", "tensor(float16)")}


def outputs_of(path, feed):
    """Runs the network; None if it cannot run, because a chain of structures can leave too few pixels for the next one."""
    try:
        return session(path).run(None, feed)
    except Exception:
        return None


def problems(case, images):
    given = onnx.load(case["given"])
    feed = {given.graph.input[0].name: images}
    expected = outputs_of(case["given"], feed)
    if expected is None:
        return
    exported = onnx.load(case["exported"])
    onnx.checker.check_model(exported, full_check=True)
    found = session(case["exported"]).run(None, feed)
    for reference, other in zip(expected, found):
        ratio = decibels(reference, other)
        if not ratio >= LEAST_DB["fp32"]:
            yield f"the exported graph agrees to {ratio:.1f} dB"
    if "engine" in case:
        for reference, other in zip(expected, session(case["engine"]).run(None, feed)):
            ratio = decibels(reference, other)
            if not ratio >= LEAST_DB[case["data_type"]]:
                yield f"the {case['data_type']} engine agrees to {ratio:.1f} dB"
    if "cache" in case:
        with open(case["cache"], encoding="utf-8") as file:
            scaled = {line.rsplit(":", 1)[0] for line in file.read().splitlines()[1:]}
        missing = sorted(float_tensors(given) - scaled)
        if missing:
            yield f"the cache has no scale for {', '.join(missing)}"


def list_problems(case, images):
    try:
        return list(problems(case, images))
    except Exception as error:  # An error in one case must not hide the others.
        return [f"{type(error).__name__}: {str(error)[:300]}"]


with open(sys.argv[1], encoding="utf-8") as listed:
    cases = json.load(listed)
shared = pictures()
print(json.dumps([{"name": case["name"], "problems": list_problems(case, shared)} for case in cases]))
