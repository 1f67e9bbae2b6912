"""Checks ONNX files with onnx's own checker, including shape inference. Prints a JSON list of [opset, nodes]."""
import json
import sys

import onnx

found = []
for path in sys.argv[1:]:
    onnx.checker.check_model(path, full_check=True)
    model = onnx.load(path)
    found.append([model.opset_import[0].version, len(model.graph.node)])
print(json.dumps(found))
