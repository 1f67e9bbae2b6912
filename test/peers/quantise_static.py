"""onnxruntime's own static quantiser. usage: quantise_static.py SOURCE.onnx TARGET.onnx INPUT METHOD TENSOR.pb [...]

Uses TensorRT's scheme: Q/DQ pairs, symmetric int8 activations, int8 weights per channel; after onnxruntime's preprocessing.
"""
import os
import sys
import tempfile

import onnx
from onnx import numpy_helper
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process


class Reader(CalibrationDataReader):
    def __init__(self, name, paths):
        self.feeds = iter([{name: numpy_helper.to_array(onnx.load_tensor(path))} for path in paths])

    def get_next(self):
        return next(self.feeds, None)


source, target, name, method, *paths = sys.argv[1:]
with tempfile.TemporaryDirectory() as folder:
    prepared = os.path.join(folder, "prepared.onnx")
    quant_pre_process(source, prepared, skip_symbolic_shape=True)
    quantize_static(
        prepared, target, Reader(name, paths), quant_format=QuantFormat.QDQ, per_channel=True,
        activation_type=QuantType.QInt8, weight_type=QuantType.QInt8, calibrate_method=getattr(CalibrationMethod, method),
        extra_options={"ActivationSymmetric": True, "WeightSymmetric": True},
    )
print("null")
