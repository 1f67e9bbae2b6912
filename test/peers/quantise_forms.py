"""Quantises with onnxruntime's own quantisers in the forms other than Q/DQ pairs: quantise_forms.py SOURCE FOLDER.
Writes dynamic.onnx, partly.onnx (only matrix products) and operators.onnx (QLinearConv …) to the folder."""
import json
import os
import sys

import numpy as np
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static

source, folder = sys.argv[1:]


class Noise(CalibrationDataReader):
    def __init__(self):
        generator = np.random.default_rng(7)
        self.batches = iter([{"input_1": generator.normal(0, 60, (2, 3, 16, 16)).astype(np.float32)}])

    def get_next(self):
        return next(self.batches, None)


def at(name):
    return os.path.join(folder, name)


quantize_dynamic(source, at("dynamic.onnx"), weight_type=QuantType.QUInt8, op_types_to_quantize=["Conv", "MatMul"])
quantize_dynamic(source, at("partly.onnx"), weight_type=QuantType.QUInt8, op_types_to_quantize=["MatMul"])
quantize_static(source, at("operators.onnx"), Noise(), quant_format=QuantFormat.QOperator)
print(json.dumps(["dynamic", "partly", "operators"]))
