"""Runs onnxruntime's own calibrators on the same images. usage: calibrate_peer.py METHOD BATCH [NUM_BINS], the task on standard input

Prints {"seconds", "processorSeconds", "mebibytes"}: seconds from the model to the ranges of all tensors, including decoding, without imports.
"""
import contextlib
import json
import os
import resource
import sys
import tempfile
import time

import numpy as np
import onnx
from onnxruntime.quantization.calibrate import CalibrationDataReader, CalibrationMethod, create_calibrator
from PIL import Image


class Reader(CalibrationDataReader):
    def __init__(self, task, batch):
        self.task, self.batch = task, batch
        self.paths = list(task["images"])

    def load(self, path):
        size = (self.task["width"], self.task["height"])
        pixels = np.asarray(Image.open(path).convert("RGB").resize(size, Image.LANCZOS), np.float32)
        how = self.task["preprocessing"]
        ordered = pixels[:, :, ::-1] if how["order"] == "BGR" else pixels
        values = (ordered - np.array(how["mean"], np.float32)) * np.float32(how["scale"])
        return values if self.task["layout"] == "NHWC" else values.transpose(2, 0, 1)

    def get_next(self):
        now, self.paths = self.paths[: self.batch], self.paths[self.batch :]
        return {self.task["input"]: np.ascontiguousarray(np.stack([self.load(path) for path in now]))} if now else None


def fold_constants(model):
    """Converts Constant nodes to initializers, because weights in them would be calibrated like activations."""
    for node in [node for node in model.graph.node if node.op_type == "Constant"]:
        tensor = next(a.t for a in node.attribute if a.name == "value")
        tensor.name = node.output[0]
        model.graph.initializer.append(tensor)
        model.graph.node.remove(node)


def calibrate(task, method, batch, bins, folder):
    model = onnx.load(task["model"])
    fold_constants(model)
    source = os.path.join(folder, "model.onnx")
    onnx.save(model, source)
    del model
    options = {"num_bins": bins, "num_quantized_bins": 128} if bins else {}
    calibrator = create_calibrator(
        source, None, os.path.join(folder, "augmented.onnx"), getattr(CalibrationMethod, method), extra_options=options
    )
    calibrator.collect_data(Reader(task, batch))
    return calibrator.compute_data()


task, method, batch = json.load(sys.stdin), sys.argv[1], int(sys.argv[2])
bins = int(sys.argv[3]) if len(sys.argv) > 3 else 0
with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
    started = time.perf_counter()
    calibrate(task, method, batch, bins, folder)
    seconds = time.perf_counter() - started
spent = resource.getrusage(resource.RUSAGE_SELF)
processor = spent.ru_utime + spent.ru_stime
print(json.dumps({"seconds": seconds, "processorSeconds": processor, "mebibytes": spent.ru_maxrss / 1024}))
