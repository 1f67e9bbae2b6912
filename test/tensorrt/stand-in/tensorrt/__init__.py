"""A stand-in for classic `tensorrt` in tests: the names, values and signatures of NVIDIA's bindings of one version, and nothing else.

A "model" is JSON that describes a network, and an "engine" is JSON as well: what each layer was given.
"""
from . import builder, engine, network  # noqa: F401
from .table import CLASSES, ENUMS, VERSION

__version__ = VERSION
globals().update(CLASSES)
globals().update({name: found for name, found in ENUMS.items() if "." not in name and found.__members__})
init_libnvinfer_plugins = builder.init_libnvinfer_plugins
