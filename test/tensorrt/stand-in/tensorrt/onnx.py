"""Reads of an ONNX model what the stand-in needs: nodes, names and shapes, straight from the protobuf bytes."""

TYPES = {
    "Conv": "CONVOLUTION", "ConvTranspose": "DECONVOLUTION", "QuantizeLinear": "QUANTIZE", "DequantizeLinear": "DEQUANTIZE",
    "Relu": "ACTIVATION", "Sigmoid": "ACTIVATION", "Clip": "ACTIVATION", "LeakyRelu": "ACTIVATION", "MaxPool": "POOLING",
    "AveragePool": "POOLING", "Add": "ELEMENTWISE", "Mul": "ELEMENTWISE", "Sub": "ELEMENTWISE", "Concat": "CONCATENATION",
    "Gemm": "MATRIX_MULTIPLY", "MatMul": "MATRIX_MULTIPLY", "Softmax": "SOFTMAX", "Shape": "SHAPE", "Reshape": "SHUFFLE",
}  # fmt: skip
WHOLE = ("Shape", "Size", "ArgMax", "ArgMin", "NonZero")
FLOAT_TYPES = (1, 10)


def varint(data, at):
    value, shift = 0, 0
    while True:
        byte = data[at]
        value, shift, at = value | (byte & 127) << shift, shift + 7, at + 1
        if byte < 128:
            return value, at


def fields(data):
    """Yields (number, value): bytes of what has a length, and numbers."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = varint(data, at)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
            value, at = data[at : at + size], at + size
        elif kind == 2:
            size, at = varint(data, at)
            value, at = data[at : at + size], at + size
            if len(value) != size:
                raise ValueError("truncated")
        else:
            raise ValueError("no ONNX model")
        yield key >> 3, value


def all_of(data, number):
    return [value for found, value in fields(data) if found == number]


def text_of(data, number):
    return next((value.decode() for value in all_of(data, number)), "")


def shape_of(info):
    tensor = all_of(all_of(info, 2)[0], 1)[0]
    dims = all_of(all_of(tensor, 2)[0], 1)
    return [next((value for number, value in fields(dim) if number == 1), -1) for dim in dims]


def cast_type(node):
    return next((all_of(each, 3)[0] for each in all_of(node, 5) if text_of(each, 1) == "to"), 1)


def layer_of(node):
    outputs = [value.decode() for value in all_of(node, 2)]
    operator = text_of(node, 4)
    is_whole = operator in WHOLE or operator == "Cast" and cast_type(node) not in FLOAT_TYPES
    return {
        "name": text_of(node, 3) or outputs[0],
        "operator": operator,
        "type": TYPES.get(operator, "IDENTITY"),
        "inputs": [value.decode() for value in all_of(node, 1)],
        "outputs": [name for name in outputs if name],
        "dtype": "INT32" if is_whole else "FLOAT",
    }


def read_model(data):
    graph = all_of(data, 7)[0]
    constants = {text_of(tensor, 8) for tensor in all_of(graph, 5)}
    inputs = [(text_of(info, 1), info) for info in all_of(graph, 11)]
    return {
        "inputs": [{"name": name, "shape": shape_of(info)} for name, info in inputs if name not in constants],
        "outputs": [text_of(info, 1) for info in all_of(graph, 12)],
        "layers": [layer_of(node) for node in all_of(graph, 1) if text_of(node, 4) != "Constant"],
    }
