"""A stand-in for the classic `tensorrt` module: accepts only what its documented interface accepts.

A "model" is JSON: inputs and layers by name. The "engine" is JSON as well: what each layer was held to.
"""
import enum
import json

__version__ = "10.3.0"


class DataType(enum.Enum):
    FLOAT = 0
    HALF = 1
    INT64 = 8


float32, float16, int64 = DataType.FLOAT, DataType.HALF, DataType.INT64


class BuilderFlag(enum.Enum):
    FP16 = 0
    INT8 = 1
    OBEY_PRECISION_CONSTRAINTS = 2


class NetworkDefinitionCreationFlag(enum.Enum):
    STRONGLY_TYPED = 1


class ILogger:
    INTERNAL_ERROR, ERROR, WARNING, INFO, VERBOSE = range(5)

    def __init__(self):
        pass


class IProgressMonitor:
    def __init__(self):
        pass


class MemoryPoolType(enum.Enum):
    WORKSPACE = 0


class HardwareCompatibilityLevel(enum.Enum):
    NONE = 0
    AMPERE_PLUS = 1


class _Tensor:
    def __init__(self, name, shape=(), dtype=float32):
        self.name, self.shape, self.dtype = name, shape, dtype


class _Layer:
    def __init__(self, name, outputs, dtype):
        self.name = name
        self._outputs = [_Tensor(output, dtype=dtype) for output in outputs]
        self._precision = None
        self.output_types = {}

    @property
    def num_outputs(self):
        return len(self._outputs)

    def get_output(self, index):
        return self._outputs[index]

    @property
    def precision(self):
        return self._precision

    @precision.setter
    def precision(self, value):
        if not isinstance(value, DataType):
            raise TypeError("precision is a DataType")
        self._precision = value

    def set_output_type(self, index, dtype):
        if not isinstance(dtype, DataType) or not 0 <= index < len(self._outputs):
            raise TypeError("set_output_type(int, DataType)")
        self.output_types[index] = dtype


class _Network:
    def __init__(self, flags):
        self._flags = flags
        self._inputs, self._layers = [], []

    @property
    def num_inputs(self):
        return len(self._inputs)

    @property
    def num_layers(self):
        return len(self._layers)

    def get_input(self, index):
        return self._inputs[index]

    def get_layer(self, index):
        return self._layers[index]

    def get_flag(self, flag):
        if not isinstance(flag, NetworkDefinitionCreationFlag):
            raise TypeError("get_flag(NetworkDefinitionCreationFlag)")
        return bool(self._flags & (1 << flag.value))

    def _read(self, model):
        self._inputs = [_Tensor(each["name"], each["shape"]) for each in model["inputs"]]
        self._layers = [_Layer(each["name"], each["outputs"], DataType[each["dtype"]]) for each in model["layers"]]


class _Config:
    def __init__(self):
        self._flags = set()

    def set_memory_pool_limit(self, pool, size):
        if not isinstance(pool, MemoryPoolType) or not isinstance(size, int) or size <= 0:
            raise TypeError("set_memory_pool_limit(MemoryPoolType, int)")

    def set_flag(self, flag):
        if not isinstance(flag, BuilderFlag):
            raise TypeError("set_flag(BuilderFlag)")
        self._flags.add(flag)

    def get_flag(self, flag):
        if not isinstance(flag, BuilderFlag):
            raise TypeError("get_flag(BuilderFlag)")
        return flag in self._flags


class Builder:
    def __init__(self, logger):
        if not isinstance(logger, ILogger):
            raise TypeError("Builder takes an ILogger")

    def create_network(self, flags=0):
        return _Network(flags)

    def create_builder_config(self):
        return _Config()

    def build_serialized_network(self, network, config):
        if not isinstance(network, _Network) or not isinstance(config, _Config):
            raise TypeError("build_serialized_network(network, config)")
        held = {layer.name: layer.precision.name for layer in network._layers if layer.precision is not None}
        flags = sorted(flag.name for flag in config._flags)
        return memoryview(json.dumps({"flags": flags, "precisions": held}).encode())


_namespaces = []


def init_libnvinfer_plugins(logger, namespace):
    if not isinstance(logger, ILogger) or not isinstance(namespace, str):
        raise TypeError("init_libnvinfer_plugins(ILogger, str)")
    _namespaces.append(namespace)
    return True


class OnnxParser:
    num_errors = 0

    def __init__(self, network, logger):
        if not isinstance(network, _Network) or not isinstance(logger, ILogger):
            raise TypeError("OnnxParser takes a network and an ILogger")
        self._network = network

    def parse_from_file(self, path):
        with open(path, "rb") as file:
            content = file.read()
        if "" not in _namespaces:
            raise RuntimeError("the plugins are registered before a graph is parsed that may have some")
        if content.startswith(b"{"):
            self._network._read(json.loads(content))
        return True
