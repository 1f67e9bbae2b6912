"""onnxruntime's own min-max calibration. usage: minmax_ranges.py MODEL INPUT_NAME TENSOR.pb [...]

Prints {tensor: [min, max]}. Each .pb is an ONNX TensorProto [N,C,H,W] that is fed as one batch.
"""
import json
import os
import sys
import tempfile

import numpy as np
import onnx
from onnx import numpy_helper
from onnxruntime.quantization.calibrate import CalibrationDataReader, CalibrationMethod, create_calibrator


class Reader(CalibrationDataReader):
    def __init__(self, name, paths):
        self.feeds = iter([{name: numpy_helper.to_array(onnx.load_tensor(path))} for path in paths])

    def get_next(self):
        return next(self.feeds, None)


model, name, *paths = sys.argv[1:]
with tempfile.TemporaryDirectory() as folder:
    augmented = os.path.join(folder, "augmented.onnx")
    calibrator = create_calibrator(model, [], augmented, CalibrationMethod.MinMax)
    calibrator.set_execution_providers(["CPUExecutionProvider"])
    calibrator.collect_data(Reader(name, paths))
    ranges = calibrator.compute_data()
print(json.dumps({tensor: [float(np.ravel(end)[0]) for end in data.range_value] for tensor, data in ranges.items()}))
