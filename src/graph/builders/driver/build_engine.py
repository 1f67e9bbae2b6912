"""Builds one TensorRT engine from a build request, and proves it.

Usage: build_engine.py REQUEST.json

One driver serves two modules: classic `tensorrt` 8.5 to 11, on a machine with the GPU, and `tensorrt_rtx` (TensorRT for
RTX), which builds for a named compute capability and needs no GPU. It needs Python 3.8 or later and nothing else. The
plan in the request has every decision, in the names of TensorRT's own API: a name that the installed version lacks is an
error, never a default. The model is parsed from memory, and only the engine, the report and the timing cache are written.

Standard output has one JSON object a line: progress, the builder's warnings and errors, and at last the result. On a
failure that object is also the termination message of the pod. Exit codes are those of the project's failure table.
"""
import ctypes
import json
import os
import re
import signal
import statistics
import sys
import time

EXIT = {
    "Internal": 1, "Usage": 2, "DiskFull": 32, "EngineBuildFailed": 40, "EngineUnsupported": 41, "HardwareMismatch": 42,
    "Interrupted": 51, "OutOfMemory": 52,
}  # fmt: skip
MESSAGE_LIMIT_BYTES = 2048
NAMES_IN_A_MESSAGE = 5
LATENCY_RUNS, WARM_UP_RUNS = 50, 10
PROGRESS_SECONDS = 5
ITEM_BYTES = {"FLOAT": 4, "HALF": 2, "BF16": 2, "INT8": 1, "UINT8": 1, "BOOL": 1, "INT32": 4, "INT64": 8}


class Failure(Exception):
    def __init__(self, reason, message):
        super().__init__(message)
        self.reason = reason


def emit(**fields):
    print(json.dumps(fields), flush=True)


def listed(names):
    names = list(names)
    more = "" if len(names) <= NAMES_IN_A_MESSAGE else " and %d more" % (len(names) - NAMES_IN_A_MESSAGE)
    return ", ".join(names[:NAMES_IN_A_MESSAGE]) + more


# --- The module, its version and the device -------------------------------------------------------------------------


def load_module(name):
    try:
        return __import__(name)
    except ImportError as error:
        raise Failure(
            "EngineBuildFailed",
            "Loading the Python module %s: %s. Use an image (or --python) that has it." % (name, error),
        )


def numbers(version):
    return [int(part) for part in re.findall(r"\d+", version.split("+")[0])][:4]


def prove_version(trt, plan):
    found, wanted = trt.__version__, plan["version"]
    exact = wanted.get("exactly", "")
    fits = numbers(wanted["from"]) <= numbers(found) < numbers(wanted["below"])
    if fits and numbers(found)[: len(numbers(exact))] == numbers(exact):
        return
    expected = exact or "%s or later, older than %s" % (wanted["from"], wanted["below"])
    raise Failure(
        "HardwareMismatch",
        "The image has %s %s, and the device class expects %s. Fix engine.version or engine.image."
        % (plan["module"], found, expected),
    )


class Cuda:
    """The CUDA driver by its C interface: no package that wraps it is needed."""

    def __init__(self):
        try:
            self.library = ctypes.CDLL("libcuda.so.1")
        except OSError as error:
            raise Failure(
                "HardwareMismatch",
                "No NVIDIA driver in this container: %s. Run the pod on a GPU node, with its runtimeClassName." % error,
            )
        self.call("cuInit", 0)
        self.device = ctypes.c_int()
        self.call("cuDeviceGet", ctypes.byref(self.device), 0)

    def call(self, name, *arguments):
        code = getattr(self.library, name)(*arguments)
        if code != 0:
            raise Failure("HardwareMismatch", "The NVIDIA driver found no usable GPU: %s ended with CUDA error %d." % (name, code))

    def facts(self):
        major, minor, version = ctypes.c_int(), ctypes.c_int(), ctypes.c_int()
        self.call("cuDeviceGetAttribute", ctypes.byref(major), 75, self.device)
        self.call("cuDeviceGetAttribute", ctypes.byref(minor), 76, self.device)
        self.call("cuDriverGetVersion", ctypes.byref(version))
        name = ctypes.create_string_buffer(256)
        self.call("cuDeviceGetName", name, 256, self.device)
        return {
            "computeCapability": "%d.%d" % (major.value, minor.value),
            "product": name.value.decode("utf-8", "replace"),
            "driver": driver_version() or "CUDA %d.%d" % (version.value // 1000, version.value % 1000 // 10),
        }

    def make_current(self):
        context = ctypes.c_void_p()
        self.call("cuDevicePrimaryCtxRetain", ctypes.byref(context), self.device)
        self.call("cuCtxSetCurrent", context)

    def allocate(self, size):
        pointer = ctypes.c_uint64()
        self.call("cuMemAlloc_v2", ctypes.byref(pointer), ctypes.c_size_t(max(size, 1)))
        self.call("cuMemsetD8_v2", pointer, 0, ctypes.c_size_t(max(size, 1)))
        return pointer.value

    def stream(self):
        stream = ctypes.c_void_p()
        self.call("cuStreamCreate", ctypes.byref(stream), 0)
        return stream


def driver_version():
    try:
        with open("/proc/driver/nvidia/version", encoding="utf-8") as file:
            found = re.search(r"Kernel Module\D*(\d+\.\d+(?:\.\d+)?)", file.read())
        return found and found.group(1)
    except OSError:
        return None  # Jetson has no such file.


def as_label(product):
    """GPU feature discovery writes "NVIDIA A10" as NVIDIA-A10, with -SHARED or a MIG profile behind it."""
    return product.strip().replace(" ", "-")


def prove_gpu(wanted):
    cuda = Cuda()
    found = cuda.facts()
    emit(gpu=found)
    capability, products = wanted.get("computeCapability"), wanted.get("products", [])
    if capability is not None and capability != found["computeCapability"]:
        raise Failure(
            "HardwareMismatch",
            "This GPU (%s) has compute capability %s, and the device class expects %s. Narrow the nodes of the class."
            % (found["product"], found["computeCapability"], capability),
        )
    label = as_label(found["product"])
    if products and not any(as_label(each) == label or as_label(each).startswith(label + "-") for each in products):
        raise Failure(
            "HardwareMismatch",
            "This GPU is %s, and the device class expects %s. Narrow the nodes of the class." % (label, listed(products)),
        )
    return cuda, found


def find_target(plan):
    """The GPU of this machine, if it is the one that is built for: no build needs it, but it can run the engine."""
    try:
        cuda = Cuda()
        found = cuda.facts()
    except Failure:
        return None, None
    return (cuda, found) if found["computeCapability"] == plan.get("computeCapability") else (None, None)


# --- What TensorRT reports ------------------------------------------------------------------------------------------


class Messages:
    """The builder's own words: errors explain a failure, and warnings show which tensors had no scale."""

    def __init__(self, trt):
        self.errors, self.unscaled = [], {}
        messages = self

        class Logger(trt.ILogger):
            def __init__(self):
                trt.ILogger.__init__(self)

            def log(self, severity, msg):
                messages.take(str(severity).split(".")[-1], msg)

        self.logger = Logger()

    def take(self, severity, message):
        if severity in ("INTERNAL_ERROR", "ERROR"):
            self.errors.append(message)
        elif severity == "WARNING":
            unscaled = re.match(r"Missing scale and zero-point for tensor (.+), expect fall back", message)
            if unscaled:
                self.unscaled[unscaled.group(1)] = message
        else:
            return
        emit(level=severity, message=message)

    def why(self):
        return "; ".join(self.errors) or "the builder gave no reason"


def make_monitor(trt):
    def show(monitor, phase, done):
        # The steps of a phase take different times, so a pace would mislead.
        monitor.shown_at = time.monotonic()
        emit(progress="Building", phase=phase, done=done, total=monitor.steps[phase])

    class Monitor(trt.IProgressMonitor):
        def __init__(self):
            trt.IProgressMonitor.__init__(self)
            self.steps = {}
            self.outer = None
            self.shown_at = 0.0

        def phase_start(self, phase_name, parent_phase, num_steps):
            self.steps[phase_name] = num_steps
            if parent_phase is None:
                self.outer = phase_name
                show(self, phase_name, 0)

        def step_complete(self, phase_name, step):
            if phase_name == self.outer and time.monotonic() - self.shown_at >= PROGRESS_SECONDS:
                show(self, phase_name, step + 1)
            return True

        def phase_finish(self, phase_name):
            if phase_name == self.outer:
                show(self, phase_name, self.steps[phase_name])
            self.steps.pop(phase_name, None)

    return Monitor()


# --- The network ----------------------------------------------------------------------------------------------------


def member(trt, enum, name):
    found = getattr(getattr(trt, enum, None), name, None)
    if found is None:
        raise Failure("EngineUnsupported", "TensorRT %s has no %s.%s. Upgrade the operator, or fix engine.version." % (trt.__version__, enum, name))
    return found


def make_builder(trt, messages):
    try:
        return trt.Builder(messages.logger)
    except TypeError as error:  # pybind11: the factory returned null.
        raise Failure("EngineBuildFailed", "Starting TensorRT's builder: %s (%s)" % (messages.why(), error))


def parse_network(trt, builder, messages, request):
    plan = request["tensorRt"]["plan"]
    flags = 0
    for name in plan["networkFlags"]:
        flags |= 1 << int(member(trt, "NetworkDefinitionCreationFlag", name))
    network = builder.create_network(flags)
    trt.init_libnvinfer_plugins(messages.logger, "")  # Without it the parser knows no NMS_TRT and the like.
    parser = trt.OnnxParser(network, messages.logger)
    with open(request["model"], "rb") as file:
        parsed = parser.parse(file.read())
    if not parsed:
        errors = "; ".join(parser.get_error(i).desc() for i in range(parser.num_errors))
        raise Failure("EngineBuildFailed", "Parsing the ONNX graph: %s" % (errors or messages.why()))
    prove_names([network.get_input(i).name for i in range(network.num_inputs)],
                [network.get_output(i).name for i in range(network.num_outputs)], request)  # fmt: skip
    return network


def prove_names(inputs, outputs, request):
    if inputs != [request["inputName"]]:
        raise Failure("EngineBuildFailed", "The inputs are %s, and %s was planned." % (listed(inputs), request["inputName"]))
    if sorted(outputs) != sorted(request["outputNames"]):
        raise Failure("EngineBuildFailed", "The outputs are %s, and %s were planned." % (listed(outputs), listed(request["outputNames"])))


def layers_of(network):
    return [network.get_layer(i) for i in range(network.num_layers)]


def outputs_of(layer):
    return [layer.get_output(i) for i in range(layer.num_outputs)]


def feed_ranges(trt, network, build):
    """Gives each tensor its range. The scale is that of the calibration cache: range = 127 times scale."""
    scales, used = build["scales"], set()
    tensors = [network.get_input(i) for i in range(network.num_inputs)]
    tensors += [tensor for layer in layers_of(network) for tensor in outputs_of(layer)]
    for tensor in tensors:
        if tensor.name not in scales or tensor.dtype not in (trt.DataType.FLOAT, trt.DataType.HALF):
            continue
        limit = 127 * scales[tensor.name]
        if not tensor.set_dynamic_range(-limit, limit):
            raise Failure("EngineBuildFailed", "Feeding the scales: TensorRT refused the range %g of tensor %s." % (limit, tensor.name))
        used.add(tensor.name)
    missing = [name for name in build["int8Tensors"] if name not in used]
    if missing:
        raise Failure("EngineBuildFailed", "Feeding the scales: int8 layers read %s, and the network has no such tensor." % listed(missing))
    return {"used": len(used), "given": len(scales)}


def count_quantisers(trt, network, build):
    found = sum(layer.type == trt.LayerType.QUANTIZE for layer in layers_of(network))
    if found < build["quantisers"]:
        raise Failure("EngineBuildFailed", "Reading the Q/DQ graph: %d of %d quantisers are in the network." % (found, build["quantisers"]))
    return {"used": found, "given": build["quantisers"]}


def feed_scales(trt, network, build):
    route = build["plan"].get("int8")
    if route is None:
        return None
    return feed_ranges(trt, network, build) if route == "DynamicRanges" else count_quantisers(trt, network, build)


def constrain(trt, network, build):
    """Holds layers to a precision, found by the tensors that they write. Shapes and indices have none to choose."""
    precision = build["plan"]["layerPrecision"]
    for kind, key in (("kept", "keptOutputs"), ("scaled", "int8Outputs")):
        if kind not in precision:
            continue
        data_type, missing = member(trt, "DataType", precision[kind]), set(build[key])
        for layer in layers_of(network):
            written = outputs_of(layer)
            hit = missing.intersection(tensor.name for tensor in written)
            missing -= hit
            if not hit or any(tensor.dtype not in (trt.DataType.FLOAT, trt.DataType.HALF) for tensor in written):
                continue
            layer.precision = data_type
            for i in range(layer.num_outputs if kind == "kept" else 0):
                layer.set_output_type(i, data_type)
        if missing:
            raise Failure("EngineBuildFailed", "Constraining layers: the network has no tensor %s." % listed(sorted(missing)))


# --- The configuration ----------------------------------------------------------------------------------------------


def configure(trt, builder, plan):
    config = builder.create_builder_config()
    if "computeCapability" in plan:
        set_target(trt, config, plan["computeCapability"])
    for name in plan["builderFlags"]:
        config.set_flag(member(trt, "BuilderFlag", name))
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, plan["workspaceBytes"])
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    if "builderOptimizationLevel" in plan:
        config.builder_optimization_level = plan["builderOptimizationLevel"]
    if "maxAuxStreams" in plan:
        config.max_aux_streams = plan["maxAuxStreams"]
    if "hardwareCompatibility" in plan:
        config.hardware_compatibility_level = member(trt, "HardwareCompatibilityLevel", plan["hardwareCompatibility"])
    if plan["progress"]:
        config.progress_monitor = make_monitor(trt)
    return config


def set_target(trt, config, capability):
    config.num_compute_capabilities = 1
    if not config.set_compute_capability(member(trt, "ComputeCapability", "SM" + capability.replace(".", "")), 0):
        raise Failure("EngineUnsupported", "This builder cannot build for compute capability %s." % capability)


def set_profile(builder, network, config, request):
    if -1 not in tuple(network.get_input(0).shape):
        return
    shapes = [request[key] for key in ("minShape", "optShape", "maxShape")]
    profile = builder.create_optimization_profile()
    profile.set_shape(request["inputName"], *shapes)
    if config.add_optimization_profile(profile) < 0:
        raise Failure("EngineBuildFailed", "The builder refused the shapes %s to %s." % (shapes[0], shapes[2]))


def set_dla(trt, builder, network, config, dla):
    if dla["core"] >= builder.num_DLA_cores:
        raise Failure("HardwareMismatch", "This device has %d DLA cores, but core %d is requested. Fix engine.dlaCore." % (builder.num_DLA_cores, dla["core"]))
    config.default_device_type = trt.DeviceType.DLA
    config.DLA_core = dla["core"]
    refused = [layer.name for layer in layers_of(network) if not config.can_run_on_DLA(layer)]
    if refused and not dla["gpuFallback"]:
        raise Failure("EngineUnsupported", "The DLA cannot run %s. Set engine.dlaGpuFallback, or leave engine.dlaCore out." % listed(refused))
    return {"onGpu": len(refused), "layers": network.num_layers}


def set_timing_cache(config, paths):
    """Combines the timings of earlier builds. What another device or version measured does not combine, and is left out."""
    cache, merged = config.create_timing_cache(b""), []
    for path in paths:
        with open(path, "rb") as file:
            other = config.create_timing_cache(file.read())
        if other is not None and cache.combine(other, False):
            merged.append(os.path.basename(path))
    if not config.set_timing_cache(cache, False):
        raise Failure("EngineBuildFailed", "The builder refused an empty timing cache.")
    return merged


# --- What the engine really is --------------------------------------------------------------------------------------


def precision_of(described):
    """8.5 to 10.x: "Format/Datatype"; 11: "DataType" beside "Format"."""
    text = str(described.get("DataType") or described.get("Format/Datatype") or described.get("Format", ""))
    for name, pattern in (("INT8", "int8"), ("BF16", "bf16|bfloat"), ("HALF", "fp16|half"), ("FLOAT", "fp32|float")):
        if re.search(pattern, text, re.IGNORECASE):
            return name
    return None


def inspect(trt, engine):
    """Per layer: the precisions that it reads and writes, by the inspector."""
    text = engine.create_engine_inspector().get_engine_information(trt.LayerInformationFormat.JSON)
    return [
        {
            "reads": {precision_of(each) for each in entry.get("Inputs", [])},
            "writes": {each.get("Name"): precision_of(each) for each in entry.get("Outputs", [])},
        }
        for entry in json.loads(text).get("Layers", [])
        if isinstance(entry, dict)
    ]


def prove_precisions(layers, build):
    """Counts layers by precision. With Q/DQ nodes or strong types the graph decides them, and fused layers hide some."""
    plan, counts = build["plan"], {}
    for layer in layers:
        found = layer["reads"] | set(layer["writes"].values())
        name = next((each for each in ("INT8", "HALF", "BF16", "FLOAT") if each in found), "OTHER")
        counts[name] = counts.get(name, 0) + 1
    if plan.get("int8") == "DynamicRanges" and layers and not counts.get("INT8"):
        raise Failure("EngineBuildFailed", "No layer of the engine computes in int8, and the plan has int8 scales. Build fp16, or calibrate again.")
    if layers and "HALF" in counts and plan.get("int8") == "DynamicRanges" and "FP16" not in plan["builderFlags"]:
        raise Failure("EngineBuildFailed", "%d layers of the engine compute in fp16, and the plan is strict." % counts["HALF"])
    kept = set(build.get("keptOutputs", []))
    broken = [name for layer in layers for name, found in layer["writes"].items() if name in kept and found == "INT8"]
    if broken:
        raise Failure("EngineBuildFailed", "The builder made int8 what was to stay in float: %s." % listed(broken))
    return counts


def open_engine(trt, messages, serialized, plan):
    runtime = trt.Runtime(messages.logger)
    if "dla" in plan:
        runtime.DLA_core = plan["dla"]["core"]
    engine = runtime.deserialize_cuda_engine(serialized)
    if engine is None:
        raise Failure("EngineBuildFailed", "Loading the engine that was built: %s" % messages.why())
    return engine


def prove_engine(trt, engine, request):
    names = [engine.get_tensor_name(i) for i in range(engine.num_io_tensors)]
    inputs = [name for name in names if engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT]
    prove_names(inputs, [name for name in names if name not in inputs], request)
    found = [list(dims) for dims in engine.get_tensor_profile_shape(request["inputName"], 0)]
    planned = [request[key] for key in ("minShape", "optShape", "maxShape")]
    if found != planned:
        raise Failure("EngineBuildFailed", "The engine takes the shapes %s, and %s were planned." % (found, planned))
    return prove_precisions(inspect(trt, engine), request["tensorRt"])


def measure(engine, cuda, request):
    """Median time of one run on zeros at the smallest batch, in microseconds; None if an output has no known size."""
    cuda.make_current()
    context = engine.create_execution_context()
    context.set_input_shape(request["inputName"], request["minShape"])
    for i in range(engine.num_io_tensors):
        name = engine.get_tensor_name(i)
        elements = 1
        for size in tuple(context.get_tensor_shape(name)):
            elements *= size
        if elements < 0:
            return None
        item = ITEM_BYTES[str(engine.get_tensor_dtype(name)).split(".")[-1]]
        context.set_tensor_address(name, cuda.allocate(elements * item))
    stream, times = cuda.stream(), []
    for _ in range(WARM_UP_RUNS + LATENCY_RUNS):
        started = time.perf_counter()
        if not context.execute_async_v3(stream.value or 0):
            raise Failure("EngineBuildFailed", "Running the engine that was built failed.")
        cuda.call("cuStreamSynchronize", stream)
        times.append(time.perf_counter() - started)
    return round(statistics.median(times[WARM_UP_RUNS:]) * 1e6)


# --- One build ------------------------------------------------------------------------------------------------------


def serialize(trt, builder, network, config, messages):
    serialized = builder.build_serialized_network(network, config)
    if serialized is None:
        is_memory = any(re.search("out ?of ?memory", error, re.IGNORECASE) for error in messages.errors)
        raise Failure("OutOfMemory" if is_memory else "EngineBuildFailed", "Building the engine: %s" % messages.why())
    return serialized


def build(request):
    """Returns the engine, and the report without its duration."""
    build_of, plan = request["tensorRt"], request["tensorRt"]["plan"]
    trt = load_module(plan["module"])
    prove_version(trt, plan)
    cuda, gpu = prove_gpu(plan["gpu"]) if "gpu" in plan else find_target(plan)
    messages = Messages(trt)
    builder = make_builder(trt, messages)
    network = parse_network(trt, builder, messages, request)
    config = configure(trt, builder, plan)
    set_profile(builder, network, config, request)
    evidence = {"gpu": gpu, "scales": feed_scales(trt, network, build_of)}
    constrain(trt, network, build_of)
    if "dla" in plan:
        evidence["dla"] = set_dla(trt, builder, network, config, plan["dla"])
    if plan["timingCache"]:
        evidence["timingCaches"] = set_timing_cache(config, request.get("timingCaches", []))
    serialized = serialize(trt, builder, network, config, messages)
    unscaled = [name for name in build_of.get("int8Tensors", []) if name in messages.unscaled]
    if unscaled:
        raise Failure("EngineBuildFailed", "The builder had no scale for %s: %s" % (listed(unscaled), messages.unscaled[unscaled[0]]))
    if plan["timingCache"] and "timingCache" in request:
        write_whole(request["timingCache"], config.get_timing_cache().serialize())
    report = {"runtime": {"name": "TensorRT-RTX" if plan["module"] == "tensorrt_rtx" else "TensorRT", "version": trt.__version__}}
    if cuda is not None:
        engine = open_engine(trt, messages, serialized, plan)
        evidence["layers"] = prove_engine(trt, engine, request)
        median = measure(engine, cuda, request)
        report.update({"latency": {"p50Microseconds": median}} if median is not None else {})
    report["evidence"] = {key: value for key, value in evidence.items() if value is not None}
    return serialized, report


def write_whole(path, content):
    """An open file without a name, which the caller holds, is written as it is; any other appears when it is whole."""
    if path.startswith("/proc/"):
        with open(path, "wb") as file:
            file.write(content)
        return
    temporary = path + ".partial"
    with open(temporary, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def run(request_path):
    if os.path.exists(os.path.join(os.path.dirname(request_path), "finished.json")):
        emit(result="finished before: nothing is built")
        return
    with open(request_path, encoding="utf-8") as file:
        request = json.load(file)
    started = time.monotonic()
    serialized, report = build(request)
    report.update({"seconds": round(time.monotonic() - started, 3), "warnings": []})
    write_whole(request["engine"], serialized)
    write_whole(request["report"], json.dumps(report).encode())
    emit(result="built", bytes=memoryview(serialized).nbytes, **report)


def fail(reason, message):
    failure = {"kind": "Failed", "reason": reason, "message": message}
    text = json.dumps(failure)
    while len(text.encode()) > MESSAGE_LIMIT_BYTES:
        failure["message"] = failure["message"][: len(failure["message"]) * 9 // 10] + "…"
        text = json.dumps(failure)
    print(text, flush=True)
    termination = os.environ.get("TERMINATION_MESSAGE_PATH", "/dev/termination-log")
    if os.path.exists(termination):
        with open(termination, "w", encoding="utf-8") as file:
            file.write(text)
    return EXIT.get(reason, 1)


def interrupted(_signal, _frame):
    os._exit(fail("Interrupted", "Stopped by a signal before the engine was built; it is tried again."))


def main():
    signal.signal(signal.SIGTERM, interrupted)
    if len(sys.argv) != 2:
        return fail("Usage", "usage: build_engine.py REQUEST.json")
    try:
        run(sys.argv[1])
        return 0
    except Failure as failure:
        return fail(failure.reason, str(failure))
    except MemoryError:
        return fail("OutOfMemory", "Building the engine: the container has no memory left. Raise its memory limit.")
    except OSError as error:
        return fail("DiskFull" if error.errno == 28 else "Internal", "Building the engine: %s" % error)
    except Exception as error:  # Whatever the builder throws is passed on in full.
        return fail("EngineBuildFailed", "Building the engine: %s: %s" % (type(error).__name__, error))


if __name__ == "__main__":
    sys.exit(main())
