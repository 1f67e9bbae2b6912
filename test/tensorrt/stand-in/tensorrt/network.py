"""Networks of the stand-in, read from ONNX models."""
import os

from .onnx import read_model
from .table import ENUMS, MAJOR, field, stands_for

DataType, LayerType = ENUMS["DataType"], ENUMS["LayerType"]
FLAGS = ENUMS["NetworkDefinitionCreationFlag"].__members__
FLOATS = (DataType.FLOAT, DataType.HALF)
state = {"plugins": False}


@stands_for("ITensor")
class ITensor:
    def __init__(self, name, dtype=DataType.FLOAT, shape=()):
        self._name, self._dtype, self._shape, self._range = name, dtype, tuple(shape), None

    name, dtype, shape = field("name"), field("dtype"), field("shape")

    def set_dynamic_range(self, min, max):
        if not -min == max > 0:
            return False
        self._range = (min, max)
        return True

    @property
    def dynamic_range(self):
        return self._range

    @dynamic_range.setter
    def dynamic_range(self, value):
        self._range = tuple(value)


@stands_for("ILayer")
class ILayer:
    def __init__(self, described, tensors):
        self._name = described["name"]
        self._type = LayerType.__members__.get(described["type"], LayerType.IDENTITY)
        self._inputs = [tensors[name] for name in described["inputs"] if name in tensors]
        self._outputs = [ITensor(name, DataType[described["dtype"]]) for name in described["outputs"]]
        tensors.update((tensor.name, tensor) for tensor in self._outputs)
        self._output_types, self._precision = {}, None

    name, precision, type = field("name"), field("precision"), field("type")

    @property
    def num_outputs(self):
        return len(self._outputs)

    def get_output(self, index):
        return self._outputs[index]

    def set_output_type(self, index, dtype):
        self._output_types[index] = dtype


@stands_for("INetworkDefinition")
class INetworkDefinition:
    def __init__(self, flags):
        unknown = flags & ~sum(1 << int(flag) for flag in FLAGS.values())
        if unknown:
            raise TypeError("unknown NetworkDefinitionCreationFlags: %d" % unknown)
        self._flags, self._inputs, self._outputs, self._layers = flags, [], [], []

    def _has(self, flag):
        return flag in FLAGS and bool(self._flags & 1 << int(FLAGS[flag]))

    def _read(self, model):
        self._inputs = [ITensor(each["name"], shape=each["shape"]) for each in model["inputs"]]
        tensors = {tensor.name: tensor for tensor in self._inputs}
        self._layers = [ILayer(each, tensors) for each in model["layers"]]
        self._outputs = [tensors[name] for name in model["outputs"]]

    def _tensors(self):
        return self._inputs + [tensor for layer in self._layers for tensor in layer._outputs]

    num_inputs = property(lambda self: len(self._inputs))
    num_outputs = property(lambda self: len(self._outputs))
    num_layers = property(lambda self: len(self._layers))

    def get_input(self, index):
        return self._inputs[index]

    def get_output(self, index):
        return self._outputs[index]

    def get_layer(self, index):
        return self._layers[index]

    def get_flag(self, flag):
        return self._has(flag.name)


@stands_for("ParserError")
class ParserError:
    def __init__(self, text):
        self._text = text

    def desc(self):
        return self._text


@stands_for("OnnxParser")
class OnnxParser:
    def __init__(self, network, logger):
        self._network, self._errors = network, []

    num_errors = property(lambda self: len(self._errors))

    def get_error(self, index):
        return self._errors[index]

    def parse(self, model, path=None):
        if MAJOR < 10 and not self._network._has("EXPLICIT_BATCH"):
            return self._fail("This version of the ONNX parser only supports networks with an explicit batch dimension")
        if not state["plugins"]:
            return self._fail("getPluginCreator could not find plugin: init_libnvinfer_plugins was not called")
        try:
            described = read_model(bytes(model))
        except (ValueError, IndexError):
            return self._fail("Failed to parse the ONNX model")
        if os.environ.get("STAND_IN_FAULT") == "unsupported" or any(layer["operator"] == "Unsupported" for layer in described["layers"]):
            return self._fail("In node 1 (importFallbackPluginImporter): UNSUPPORTED_NODE: Assertion failed: creator")
        self._network._read(described)
        return True

    def _fail(self, text):
        self._errors.append(ParserError(text))
        return False
