"""Quantises a model for ONNX Runtime on a CPU, as another tool does it.

usage: quantise.py {MinMax,Percentile,NNCF} SOURCE.onnx TARGET.onnx INPUT {TENSOR.pb ... | PHOTOS.json}

Images are decoded tensors, or photos that are decoded when the quantiser asks for them, as the data readers of onnxruntime's examples do.

MinMax and Percentile are onnxruntime's quantize_static with what its documentation recommends on x86: Q/DQ pairs, unsigned activations,
signed weights per channel, of 7 bits on a processor without VNNI, where sums of two products would overflow. NNCF is nncf.quantize with its defaults. Both start from onnxruntime's own preprocessing.
Prints {"processorSeconds", "mebibytes"} of this process.
"""
import contextlib
import json
import os
import resource
import sys
import tempfile

import onnx
from onnx import numpy_helper


def feeds(name, paths):
    if not paths[0].endswith(".json"):
        return [{name: numpy_helper.to_array(onnx.load_tensor(path))} for path in paths]
    from photos import decode, describe

    photos = describe(paths[0])
    return ({name: decode(path, photos)} for path in photos["files"])


def by_onnxruntime(method, source, target, images):
    from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static

    class Reader(CalibrationDataReader):
        def __init__(self):
            self.left = iter(images)

        def get_next(self):
            return next(self.left, None)

    quantize_static(
        source, target, Reader(), quant_format=QuantFormat.QDQ, per_channel=True, activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8, calibrate_method=getattr(CalibrationMethod, method), reduce_range=not has_vnni(),
    )


def has_vnni():
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        return "_vnni" in info.read()


def by_nncf(source, target, images):
    import nncf

    quantised = nncf.quantize(onnx.load(source), nncf.Dataset(images), subset_size=len(images))
    onnx.save(quantised, target)


tool, source, target, name, *paths = sys.argv[1:]
with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
    from onnxruntime.quantization.shape_inference import quant_pre_process

    prepared = os.path.join(folder, "prepared.onnx")
    quant_pre_process(source, prepared, skip_symbolic_shape=True)
    if tool == "NNCF":
        by_nncf(prepared, target, feeds(name, paths))
    else:
        by_onnxruntime(tool, prepared, target, feeds(name, paths))
spent = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({"processorSeconds": spent.ru_utime + spent.ru_stime, "mebibytes": spent.ru_maxrss / 1024}))
