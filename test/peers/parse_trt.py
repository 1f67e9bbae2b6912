"""Parses ONNX files with TensorRT for RTX. Prints a JSON list: for each file its layers, or the errors of the parser."""
import json
import sys

import tensorrt_rtx as trt

logger = trt.Logger(trt.Logger.ERROR)
builder = trt.Builder(logger)
found = []
for path in sys.argv[1:]:
    network = builder.create_network(0)
    parser = trt.OnnxParser(network, logger)
    with open(path, "rb") as file:
        parsed = parser.parse(file.read())
    found.append(network.num_layers if parsed else [parser.get_error(i).desc() for i in range(parser.num_errors)])
print(json.dumps(found))
