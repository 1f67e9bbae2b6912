"""A stand-in for the classic `tensorrt` module: accepts only what its documented interface accepts. Builds nothing."""
import enum

__version__ = "10.3.0"


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


class _Network:
    num_inputs = 1


class _Config:
    def set_memory_pool_limit(self, pool, size):
        if not isinstance(pool, MemoryPoolType) or not isinstance(size, int) or size <= 0:
            raise TypeError("set_memory_pool_limit(MemoryPoolType, int)")


class Builder:
    def __init__(self, logger):
        if not isinstance(logger, ILogger):
            raise TypeError("Builder takes an ILogger")

    def create_network(self, flags=0):
        return _Network()

    def create_builder_config(self):
        return _Config()


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

    def parse_from_file(self, path):
        open(path, "rb").close()
        if "" not in _namespaces:
            raise RuntimeError("the plugins are registered before a graph is parsed that may have some")
        return True
