"""Builds one TensorRT engine from a build request.

Usage: build_engine.py REQUEST.json

The driver supports two modules with the same Python API: `tensorrt_rtx` (TensorRT for RTX, which builds for a given
compute capability and needs no GPU) and the classic `tensorrt`. The graph determines the precision: int8 is
expressed by Q/DQ nodes, fp16 by a float16 graph.

Standard output has one JSON object per line: progress, then the result. A failure is also written as the pod's
termination message. The exit codes are those of src/ground/base/failures.ts.
"""
import json
import os
import signal
import sys
import time

EXIT = {"Internal": 1, "Usage": 2, "EngineBuildFailed": 40, "EngineUnsupported": 41, "DiskFull": 32, "Interrupted": 51}
MESSAGE_LIMIT_BYTES = 2048

# Options that a device class may set (spec.engine.options), each with a check of its value.
OPTIONS = {
    "builderOptimizationLevel": lambda text: 0 <= int(text) <= 5,
    "hardwareCompatibilityLevel": lambda text: text in ("NONE", "AMPERE_PLUS", "SAME_COMPUTE_CAPABILITY"),
    "maxAuxStreams": lambda text: int(text) >= 0,
}


class Failure(Exception):
    """An expected failure, with a reason of the failure table."""

    def __init__(self, reason, message):
        super().__init__(message)
        self.reason = reason


def emit(**fields):
    """Writes one JSON object to standard output."""
    print(json.dumps(fields), flush=True)


def load_module():
    """Returns the name and the module of the first TensorRT that is installed."""
    for name in ("tensorrt_rtx", "tensorrt"):
        try:
            return name, __import__(name)
        except ModuleNotFoundError as error:
            if error.name != name:
                raise Failure("EngineBuildFailed", f"Loading {name}: {error}. The image is incomplete.") from error
    raise Failure("EngineBuildFailed", "Neither tensorrt_rtx nor tensorrt can be imported. Use an image that has one of them.")


def make_logger(trt, problems):
    """Makes a logger that writes to standard error and appends errors to `problems`."""

    class Logger(trt.ILogger):
        def __init__(self):
            trt.ILogger.__init__(self)

        def log(self, severity, message):
            if severity in (trt.ILogger.INTERNAL_ERROR, trt.ILogger.ERROR):
                problems.append(message)
            if severity != trt.ILogger.VERBOSE:
                print(f"{str(severity).split('.')[-1]}: {message}", file=sys.stderr, flush=True)

    return Logger()


def make_monitor(trt):
    """Makes a monitor that emits the progress of the outermost phases."""

    class Monitor(trt.IProgressMonitor):
        def __init__(self):
            trt.IProgressMonitor.__init__(self)
            self.phases = {}

        def phase_start(self, phase_name, parent_phase, num_steps):
            self.phases[phase_name] = num_steps
            if parent_phase is None:
                emit(progress=phase_name, done=0, total=num_steps)

        def step_complete(self, phase_name, step):
            return True

        def phase_finish(self, phase_name):
            total = self.phases.pop(phase_name, 0)
            if not self.phases:
                emit(progress=phase_name, done=total, total=total)

    return Monitor()


def parse_model(trt, network, logger, path):
    """Adds the ONNX graph to the network."""
    trt.init_libnvinfer_plugins(logger, "")  # Registers plugins such as NMS_TRT, which the parser looks up by name.
    parser = trt.OnnxParser(network, logger)
    if parser.parse_from_file(path):
        return
    errors = "; ".join(parser.get_error(i).desc() for i in range(parser.num_errors))
    raise Failure("EngineBuildFailed", f"Parsing the ONNX graph: {errors}")


def set_target(trt, config, capability):
    """Selects the compute capability to build for; None means the GPU of this machine."""
    if capability is None:
        return
    if not hasattr(config, "set_compute_capability"):
        raise Failure("EngineUnsupported", "This TensorRT builds only for the GPU that it runs on: omit computeCapability.")
    target = getattr(trt.ComputeCapability, "SM" + capability.replace(".", ""), None)
    if target is None:
        raise Failure("EngineUnsupported", f"This builder does not know compute capability {capability}.")
    config.num_compute_capabilities = 1
    if not config.set_compute_capability(target, 0):
        raise Failure("EngineUnsupported", f"This builder cannot build for compute capability {capability}.")


def set_options(trt, config, options):
    """Checks the options of the device class and applies them."""
    for name, value in options.items():
        if name not in OPTIONS:
            known = ", ".join(sorted(OPTIONS))
            raise Failure("EngineUnsupported", f"engine.options.{name} is not an option of this builder; its options are {known}.")
        try:
            valid = OPTIONS[name](value)
        except ValueError:
            valid = False
        if not valid:
            raise Failure("EngineUnsupported", f"engine.options.{name} cannot be {value!r}.")
    if "builderOptimizationLevel" in options:
        config.builder_optimization_level = int(options["builderOptimizationLevel"])
    if "maxAuxStreams" in options:
        config.max_aux_streams = int(options["maxAuxStreams"])
    if "hardwareCompatibilityLevel" in options:
        level = getattr(trt.HardwareCompatibilityLevel, options["hardwareCompatibilityLevel"], None)
        if level is None:
            raise Failure("EngineUnsupported", "This builder does not know that hardwareCompatibilityLevel.")
        config.hardware_compatibility_level = level


def constrain_to_float(trt, network, config, outputs):
    """Constrains the layers that produce these tensors to float, like trtexec --layerPrecisions with
    --precisionConstraints=obey.

    Does nothing for a strongly typed network, whose types come from the graph.
    """
    if not outputs or is_strongly_typed(trt, network):
        return
    config.set_flag(trt.BuilderFlag.OBEY_PRECISION_CONSTRAINTS)
    precision = trt.float16 if config.get_flag(trt.BuilderFlag.FP16) else trt.float32
    missing = set(outputs)
    for layer in (network.get_layer(i) for i in range(network.num_layers)):
        written = [layer.get_output(i) for i in range(layer.num_outputs)]
        if not missing.intersection(tensor.name for tensor in written):
            continue
        missing.difference_update(tensor.name for tensor in written)
        if any(tensor.dtype != trt.float32 for tensor in written):
            continue  # Layers that compute shapes or indices have no float precision.
        layer.precision = precision
        for i in range(layer.num_outputs):
            layer.set_output_type(i, precision)
    if missing:
        raise Failure("EngineBuildFailed", f"Keeping layers in float: the network has no tensor {sorted(missing)[0]}.")


def is_strongly_typed(trt, network):
    flag = getattr(trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED", None)
    return flag is not None and network.get_flag(flag)


def set_profile(builder, network, config, request):
    """Adds the optimization profile that a network with dynamic shapes needs."""
    names = [network.get_input(i).name for i in range(network.num_inputs)]
    if names != [request["inputName"]]:
        raise Failure("EngineBuildFailed", f"The graph's inputs are {names}; expected only {request['inputName']}.")
    if -1 not in network.get_input(0).shape:
        return
    profile = builder.create_optimization_profile()
    profile.set_shape(request["inputName"], request["minShape"], request["optShape"], request["maxShape"])
    if config.add_optimization_profile(profile) < 0:
        raise Failure("EngineBuildFailed", f"The builder refused the shapes {request['minShape']} to {request['maxShape']}.")


def build(request):
    """Builds the engine. Returns the runtime's name and version, and the serialized engine."""
    name, trt = load_module()
    problems = []
    logger = make_logger(trt, problems)
    builder = trt.Builder(logger)
    network = builder.create_network()
    parse_model(trt, network, logger, request["model"])
    config = builder.create_builder_config()
    set_target(trt, config, request.get("computeCapability"))
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, request["workspaceBytes"])
    set_options(trt, config, request["options"])
    set_profile(builder, network, config, request)
    constrain_to_float(trt, network, config, request.get("floatOutputs"))
    config.progress_monitor = make_monitor(trt)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise Failure("EngineBuildFailed", f"Building the engine: {'; '.join(problems) or 'the builder gave no reason'}")
    return {"name": "TensorRT-RTX" if name == "tensorrt_rtx" else "TensorRT", "version": trt.__version__}, plan


def write_whole(path, content):
    """Writes a file that appears only when it is complete.

    A path below /proc is a file that the caller opened; it is written in place.
    """
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
    """Builds the requested engine and writes its report. Does nothing if the stage container found finished work."""
    if os.path.exists(os.path.join(os.path.dirname(request_path), "finished.json")):
        emit(result="nothing to build: the engine is already stored")
        return
    with open(request_path, encoding="utf-8") as file:
        request = json.load(file)
    started = time.monotonic()
    runtime, plan = build(request)
    seconds = round(time.monotonic() - started, 3)
    write_whole(request["engine"], plan)
    report = {"runtime": runtime, "seconds": seconds, "warnings": []}
    write_whole(request["report"], json.dumps(report).encode())
    emit(result="built", bytes=plan.nbytes, **report)


def report_failure(reason, message):
    """Writes the failure to standard output and to the termination message. Returns the exit code."""
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


def exit_on_signal(_signal, _frame):
    os._exit(report_failure("Interrupted", "Stopped by a signal before the engine was built. The operator retries."))


def main():
    signal.signal(signal.SIGTERM, exit_on_signal)
    if len(sys.argv) != 2:
        return report_failure("Usage", "usage: build_engine.py REQUEST.json")
    try:
        run(sys.argv[1])
        return 0
    except Failure as failure:
        return report_failure(failure.reason, str(failure))
    except OSError as error:
        return report_failure("DiskFull" if error.errno == 28 else "Internal", f"Building the engine: {error}")
    except Exception as error:  # The builder can raise any type; report it with its name.
        return report_failure("EngineBuildFailed", f"Building the engine: {type(error).__name__}: {error}")


if __name__ == "__main__":
    sys.exit(main())
