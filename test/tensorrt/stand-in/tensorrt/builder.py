"""The builder of the stand-in: refuses what TensorRT refuses, and decides precisions by its documented rules.

FAKE_GPU is "compute capability|name|CUDA version|driver|DLA cores"; without it there is no GPU. STAND_IN_FAULT makes one thing
fail: builder, memory, exhaust (the memory of the machine), hang, unsupported, unscaled, kept, half, shapes or outputs.
"""
import json
import os
import time

from .engine import IHostMemory
from .network import FLOATS, DataType, INetworkDefinition, LayerType, state
from .table import ENUMS, VERSION, check, field, form_of, stands_for, TABLE

Severity, BuilderFlag, DeviceType = ENUMS["ILogger.Severity"], ENUMS["BuilderFlag"], ENUMS["DeviceType"]
FAULT = os.environ.get("STAND_IN_FAULT")
GPU = os.environ.get("FAKE_GPU")
ON_DLA = ("CONVOLUTION", "DECONVOLUTION", "ACTIVATION", "POOLING", "ELEMENTWISE", "CONCATENATION")


@stands_for("ILogger")
class ILogger:
    def __init__(self):
        self._made = True

    def log(self, severity, msg):
        raise NotImplementedError("pure virtual")


ILogger.Severity = Severity
for _name, _member in Severity.__members__.items():
    setattr(ILogger, _name, _member)


@stands_for("IProgressMonitor")
class IProgressMonitor:
    def __init__(self):
        self._made = True

    def phase_start(self, phase_name, parent_phase, num_steps):
        raise NotImplementedError("pure virtual")

    def step_complete(self, phase_name, step):
        raise NotImplementedError("pure virtual")

    def phase_finish(self, phase_name):
        raise NotImplementedError("pure virtual")


@stands_for("IOptimizationProfile")
class IOptimizationProfile:
    def __init__(self):
        self._shapes = {}

    def set_shape(self, input, min, opt, max):
        if not all(a <= b <= c for a, b, c in zip(min, opt, max)):
            raise RuntimeError("Shape provided for min is inconsistent with other shapes.")
        self._shapes[input] = [list(min), list(opt), list(max)]


@stands_for("ITimingCache")
class ITimingCache:
    def __init__(self, header, entries):
        self._header, self._entries = header, entries

    def combine(self, input_cache, ignore_mismatch):
        if input_cache._header != self._header and not ignore_mismatch:
            return False
        self._entries = {**input_cache._entries, **self._entries}
        return True

    def serialize(self):
        return IHostMemory(json.dumps({"header": self._header, "entries": self._entries}, sort_keys=True).encode())


HEADER = [VERSION, GPU]


@stands_for("IBuilderConfig")
class IBuilderConfig:
    def __init__(self):
        self._names, self._profiles, self._timings, self._pools = set(), [], None, {}

    DLA_core = field("DLA_core", -1)
    builder_optimization_level, max_aux_streams = field("builder_optimization_level", 3), field("max_aux_streams")
    default_device_type = field("default_device_type", DeviceType.GPU)
    hardware_compatibility_level, progress_monitor = field("hardware_compatibility_level"), field("progress_monitor")
    profiling_verbosity = field("profiling_verbosity", ENUMS["ProfilingVerbosity"].LAYER_NAMES_ONLY)

    def set_flag(self, flag):
        self._names.add(flag.name)

    def get_flag(self, flag):
        return flag.name in self._names

    def set_memory_pool_limit(self, pool, pool_size):
        self._pools[pool.name] = pool_size

    def add_optimization_profile(self, profile):
        self._profiles.append(profile)
        return len(self._profiles) - 1

    def can_run_on_DLA(self, layer):
        return layer.type.name in ON_DLA

    def create_timing_cache(self, serialized_timing_cache):
        content = bytes(serialized_timing_cache)
        if content == b"":
            return ITimingCache(HEADER, {})
        try:
            kept = json.loads(content)
        except ValueError:
            return None
        return ITimingCache(kept["header"], kept["entries"])

    def set_timing_cache(self, cache, ignore_mismatch):
        if cache._header != HEADER and not ignore_mismatch:
            return False
        self._timings = cache
        return True

    def get_timing_cache(self):
        return self._timings


@stands_for("Builder")
class Builder:
    def __init__(self, logger):
        check("Builder", form_of(TABLE["classes"]["Builder"]["__init__"]), (logger,), {})
        if GPU is None:
            logger.log(Severity.ERROR, "createInferBuilder: Error Code 6: API Usage Error (CUDA initialization failure with error: 35)")
            raise TypeError("pybind11::init(): factory function returned nullptr")
        self._logger = logger

    num_DLA_cores = property(lambda self: int(GPU.split("|")[4]))

    def create_network(self, flags=0):
        return INetworkDefinition(flags)

    def create_builder_config(self):
        return IBuilderConfig()

    def create_optimization_profile(self):
        return IOptimizationProfile()

    def build_serialized_network(self, network, config):
        faults = {"builder": "Error Code 10: Internal Error (Could not find any implementation for node conv1.)",
                  "memory": "Error Code 2: OutOfMemory (Requested size was 1073741824 bytes.)"}  # fmt: skip
        if FAULT == "hang":
            config.progress_monitor.phase_start("Building", None, 1)
            time.sleep(60)
        taken = []
        while FAULT == "exhaust":
            taken.append(b"\1" * 2**24)
        problem = faults.get(FAULT) or refusal_of(network, config)
        if problem is not None:
            self._logger.log(Severity.ERROR, problem)
            return None
        return build(self._logger, network, config)


def refusal_of(network, config):
    is_strong = network._has("STRONGLY_TYPED") or "INT8" not in BuilderFlag.__members__
    quantisers = [layer for layer in network._layers if layer.type == LayerType.QUANTIZE]
    ranged = [tensor for tensor in network._tensors() if tensor._range]
    weak = config._names & {"INT8", "FP16", "OBEY_PRECISION_CONSTRAINTS"}
    if is_strong and (weak or ranged):
        return "API Usage Error: %s cannot be used with a strongly typed network" % ", ".join(sorted(weak) or ["ranges"])
    if -1 in network._inputs[0].shape and not config._profiles:
        return "Network has dynamic or shape inputs, but no optimization profile has been defined."
    if quantisers and not is_strong and "INT8" not in config._names:
        return "Network contains Q/DQ layers, and BuilderFlag INT8 is not set."
    if quantisers and ranged:
        return "Dynamic ranges are only allowed when there are no Q/DQ layers."
    if "INT8" in config._names and not quantisers and not ranged:
        return "Calibration failure occurred with no scaling factors detected. This could be due to no int8 calibrator or insufficient custom scales for network layers."
    if config.default_device_type == DeviceType.DLA and (quantisers or config.DLA_core < 0):
        return "DLA: unsupported layers or no core"
    return None


def precision_of(layer, network, config):
    if layer._precision is not None:
        return layer._precision.name
    ranged = all(tensor._range for tensor in layer._inputs[:1] + layer._outputs)
    dequantised = any(tensor.name.endswith("/dequantized") for tensor in layer._inputs)
    if dequantised or "INT8" in config._names and ranged and layer.type.name in ON_DLA:
        return "INT8"
    return "HALF" if "FP16" in config._names or FAULT == "half" else "FLOAT"


def build(logger, network, config):
    monitor = config.progress_monitor if hasattr(config, "progress_monitor") else None
    if monitor:
        monitor.phase_start("Building", None, len(network._layers))
    if "INT8" in config._names and not any(layer.type == LayerType.QUANTIZE for layer in network._layers):
        for tensor in network._tensors():
            if tensor.dtype in FLOATS and (not tensor._range or FAULT == "unscaled"):
                logger.log(Severity.WARNING, "Missing scale and zero-point for tensor %s, expect fall back to non-int8 implementation for any layer consuming or producing given tensor" % tensor.name)
    layers = []
    for step, layer in enumerate(network._layers):
        precision = precision_of(layer, network, config)
        kept = layer._precision is not None and 0 in layer._output_types
        writes = "INT8" if FAULT == "kept" else layer._output_types[0].name if kept else precision
        layers.append({"name": layer.name, "precision": precision, "writes": writes,
                       "inputs": [t.name for t in layer._inputs], "outputs": [t.name for t in layer._outputs]})  # fmt: skip
        if config._timings is not None:
            config._timings._entries["%s %s" % (layer.name, precision)] = 1
        if monitor:
            monitor.step_complete("Building", step)
    if monitor:
        monitor.phase_finish("Building")
    outputs = [] if FAULT == "outputs" else network._outputs
    tensors = [{"name": t.name, "mode": mode} for mode, ts in (("INPUT", network._inputs), ("OUTPUT", outputs)) for t in ts]
    shape = list(network._inputs[0].shape)
    profile = config._profiles[0]._shapes[network._inputs[0].name] if config._profiles else [shape] * 3
    return IHostMemory(json.dumps({
        "version": VERSION, "flags": sorted(config._names), "dla": config.DLA_core, "layers": layers, "tensors": tensors,
        "profile": [[1]] * 3 if FAULT == "shapes" else profile, "workspace": config._pools,
        "detailed": config.profiling_verbosity.name == "DETAILED",
    }).encode())  # fmt: skip


def init_libnvinfer_plugins(logger, namespace):
    check("init_libnvinfer_plugins", form_of(TABLE["functions"]["init_libnvinfer_plugins"]), (logger, namespace), {})
    state["plugins"] = True
    return True


