"""Builds one TensorRT engine from a build request.

Usage: build_engine.py REQUEST.json

One driver serves two modules with the same Python API: `tensorrt_rtx` (TensorRT for RTX, which builds for a named
compute capability and needs no GPU) and the classic `tensorrt`. The graph decides the precision: networks are
strongly typed, so int8 comes as Q/DQ nodes and fp16 as a float16 graph.

Standard output has one JSON object a line: progress, and at last the result. On a failure that object is also the
termination message of the pod. Exit codes are those of the project's failure table.
"""
import json
import os
import signal
import sys
import time

EXIT = {"Internal": 1, "Usage": 2, "EngineBuildFailed": 40, "EngineUnsupported": 41, "DiskFull": 32, "Interrupted": 51}
MESSAGE_LIMIT_BYTES = 2048

# Options that a device class may set, with the check that each value must pass.
OPTIONS = {
    "builderOptimizationLevel": lambda text: 0 <= int(text) <= 5,
    "hardwareCompatibilityLevel": lambda text: text in ("NONE", "AMPERE_PLUS", "SAME_COMPUTE_CAPABILITY"),
    "maxAuxStreams": lambda text: int(text) >= 0,
}


class Failure(Exception):
    def __init__(self, reason, message):
        super().__init__(message)
        self.reason = reason


def say(**fields):
    print(json.dumps(fields), flush=True)


def load_module():
    for name in ("tensorrt_rtx", "tensorrt"):
        try:
            return name, __import__(name)
        except ModuleNotFoundError as error:
            if error.name != name:
                raise Failure("EngineBuildFailed", f"Loading {name}: {error}. The image is incomplete.") from error
    raise Failure("EngineBuildFailed", "Neither tensorrt_rtx nor tensorrt can be imported. Use an image that has one of them.")


def make_logger(trt, problems):
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
    class Monitor(trt.IProgressMonitor):
        def __init__(self):
            trt.IProgressMonitor.__init__(self)
            self.phases = {}

        def phase_start(self, phase_name, parent_phase, num_steps):
            self.phases[phase_name] = num_steps
            if parent_phase is None:
                say(progress=phase_name, done=0, total=num_steps)

        def step_complete(self, phase_name, step):
            return True

        def phase_finish(self, phase_name):
            total = self.phases.pop(phase_name, 0)
            if not self.phases:
                say(progress=phase_name, done=total, total=total)

    return Monitor()


def parse_model(trt, network, logger, path):
    trt.init_libnvinfer_plugins(logger, "")  # Without it the parser knows no NMS_TRT and the like.
    parser = trt.OnnxParser(network, logger)
    if parser.parse_from_file(path):
        return
    errors = "; ".join(parser.get_error(i).desc() for i in range(parser.num_errors))
    raise Failure("EngineBuildFailed", f"Parsing the ONNX graph: {errors}")


def set_target(trt, config, capability):
    if capability is None:
        return
    if not hasattr(config, "set_compute_capability"):
        raise Failure("EngineUnsupported", "This TensorRT builds only for the GPU that it runs on: leave computeCapability out.")
    target = getattr(trt.ComputeCapability, "SM" + capability.replace(".", ""), None)
    if target is None:
        raise Failure("EngineUnsupported", f"This builder does not know compute capability {capability}.")
    config.num_compute_capabilities = 1
    if not config.set_compute_capability(target, 0):
        raise Failure("EngineUnsupported", f"This builder cannot build for compute capability {capability}.")


def set_options(trt, config, options):
    for name, value in options.items():
        if name not in OPTIONS:
            known = ", ".join(sorted(OPTIONS))
            raise Failure("EngineUnsupported", f"engine.options.{name} is not an option of this builder: it knows {known}.")
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


def leave_float(trt, network, config, outputs):
    """Holds the layers that write one of these tensors to float, as trtexec's --layerPrecisions with obey does.

    A strongly typed network has no such choice: its graph says the types.
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
            continue  # Shapes and indices have no precision to choose.
        layer.precision = precision
        for i in range(layer.num_outputs):
            layer.set_output_type(i, precision)
    if missing:
        raise Failure("EngineBuildFailed", f"Leaving layers in float: the network has no tensor {sorted(missing)[0]}.")


def is_strongly_typed(trt, network):
    flag = getattr(trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED", None)
    return flag is not None and network.get_flag(flag)


def set_profile(builder, network, config, request):
    names = [network.get_input(i).name for i in range(network.num_inputs)]
    if names != [request["inputName"]]:
        raise Failure("EngineBuildFailed", f"The graph's inputs are {names}, and {request['inputName']} was expected.")
    if -1 not in network.get_input(0).shape:
        return
    profile = builder.create_optimization_profile()
    profile.set_shape(request["inputName"], request["minShape"], request["optShape"], request["maxShape"])
    if config.add_optimization_profile(profile) < 0:
        raise Failure("EngineBuildFailed", f"The builder refused the shapes {request['minShape']} to {request['maxShape']}.")


def build(request):
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
    leave_float(trt, network, config, request.get("floatOutputs"))
    config.progress_monitor = make_monitor(trt)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise Failure("EngineBuildFailed", f"Building the engine: {'; '.join(problems) or 'the builder gave no reason'}")
    return {"name": "TensorRT-RTX" if name == "tensorrt_rtx" else "TensorRT", "version": trt.__version__}, plan


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
        say(result="finished before: nothing is built")
        return
    with open(request_path, encoding="utf-8") as file:
        request = json.load(file)
    started = time.monotonic()
    runtime, plan = build(request)
    seconds = round(time.monotonic() - started, 3)
    write_whole(request["engine"], plan)
    report = {"runtime": runtime, "seconds": seconds, "warnings": []}
    write_whole(request["report"], json.dumps(report).encode())
    say(result="built", bytes=plan.nbytes, **report)


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
    except OSError as error:
        return fail("DiskFull" if error.errno == 28 else "Internal", f"Building the engine: {error}")
    except Exception as error:  # Whatever the builder throws is passed on in full.
        return fail("EngineBuildFailed", f"Building the engine: {type(error).__name__}: {error}")


if __name__ == "__main__":
    sys.exit(main())
