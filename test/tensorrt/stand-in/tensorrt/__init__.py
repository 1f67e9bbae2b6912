"""A stand-in for classic `tensorrt` in tests: the names, values and signatures of NVIDIA's bindings of one version, and nothing else.

Models are ONNX; an "engine" is JSON that says what each layer was given.
"""
from . import builder, engine, network  # noqa: F401
from .table import CLASSES, ENUMS, VERSION

__version__ = VERSION
globals().update(CLASSES)
globals().update({name: found for name, found in ENUMS.items() if "." not in name and found.__members__})
init_libnvinfer_plugins = builder.init_libnvinfer_plugins
