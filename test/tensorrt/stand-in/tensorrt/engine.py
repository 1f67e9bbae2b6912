"""Engines of the stand-in: JSON with what the builder decided."""
import json
import os

from .table import ENUMS, MAJOR, VERSION, field, stands_for

DataType, TensorIOMode = ENUMS["DataType"], ENUMS["TensorIOMode"]
TEXTS = {"INT8": ("Int8", "Thirty-two wide channel vectorized row major Int8 format"), "HALF": ("Half", "Row major linear FP16 format (kLINEAR)"), "FLOAT": ("Float", "Row major linear FP32 format (kLINEAR)")}  # fmt: skip


@stands_for("IHostMemory")
class IHostMemory(bytes):
    nbytes = property(len)


def describe(name, precision):
    """TensorRT 11 has the type apart from the format."""
    short, text = TEXTS[precision]
    return {"Name": name, "Format": text, "DataType": short} if MAJOR >= 11 else {"Name": name, "Format/Datatype": text}


@stands_for("EngineInspector")
class EngineInspector:
    def __init__(self, engine):
        self._engine = engine

    def get_engine_information(self, format):
        content = self._engine._content
        if not content["detailed"]:
            return json.dumps({"Layers": [layer["name"] for layer in content["layers"]]})
        layers = [
            {
                "Name": layer["name"],
                "Inputs": [describe(name, layer["precision"]) for name in layer["inputs"]],
                "Outputs": [describe(name, layer["writes"]) for name in layer["outputs"]],
            }
            for layer in content["layers"]
        ]
        return json.dumps({"Layers": layers})


@stands_for("IExecutionContext")
class IExecutionContext:
    def __init__(self, engine):
        self._engine, self._shapes, self._addresses = engine, {}, {}

    def set_input_shape(self, name, shape):
        self._shapes[name] = tuple(shape)
        return True

    def get_tensor_shape(self, name):
        return self._shapes.get(name, (1, 2))

    def set_tensor_address(self, name, memory):
        self._addresses[name] = memory
        return memory != 0

    def execute_async_v3(self, stream_handle):
        return set(self._addresses) == {tensor["name"] for tensor in self._engine._content["tensors"]}


@stands_for("ICudaEngine")
class ICudaEngine:
    def __init__(self, content):
        self._content = content

    num_io_tensors = property(lambda self: len(self._content["tensors"]))
    num_optimization_profiles = property(lambda self: 1)

    def get_tensor_name(self, index):
        return self._content["tensors"][index]["name"]

    def get_tensor_mode(self, name):
        return TensorIOMode[next(each["mode"] for each in self._content["tensors"] if each["name"] == name)]

    def get_tensor_dtype(self, name):
        return DataType.FLOAT

    def get_tensor_profile_shape(self, name, profile_index):
        return self._content["profile"]

    def create_engine_inspector(self):
        return EngineInspector(self)

    def create_execution_context(self):
        return IExecutionContext(self)


@stands_for("Runtime")
class Runtime:
    def __init__(self, logger):
        self._logger = logger

    DLA_core = field("DLA_core", -1)
    num_DLA_cores = property(lambda self: int(os.environ.get("FAKE_GPU", "||||0").split("|")[4]))

    def deserialize_cuda_engine(self, serialized_engine):
        content = json.loads(bytes(serialized_engine))
        if content["version"] != VERSION or content["dla"] != self.DLA_core:
            self._logger.log(ENUMS["ILogger.Severity"].ERROR, "Serialization assertion failed: version or device differs")
            return None
        return ICudaEngine(content)
