"""What NVIDIA's bindings of one TensorRT version have, and checks that nothing else is used.

The version is in the environment variable STAND_IN_TENSORRT, and its names, values and signatures in fixtures/tensorrt/api.json,
which is read from NVIDIA's own bindings.
"""
import enum
import json
import os
import re

VERSION = os.environ["STAND_IN_TENSORRT"]
HERE = os.path.dirname(os.path.abspath(__file__))
with open(os.environ.get("STAND_IN_API") or os.path.join(HERE, "../../../fixtures/tensorrt/api.json"), encoding="utf-8") as file:
    TABLE = json.load(file)
if VERSION not in TABLE["versions"]:
    raise ImportError("the stand-in knows TensorRT %s, not %s" % (", ".join(TABLE["versions"]), VERSION))
MAJOR = int(VERSION.split(".")[0])
CLASSES = {}


def form_of(forms):
    return next((form for form, versions in forms if versions == "*" or VERSION in versions.split()), None)


class Enum(enum.Enum):
    """As pybind11's enums: int(member) is its value."""

    def __int__(self):
        return self.value


def make_enum(name):
    members = {key: form_of(forms) for key, forms in TABLE["enums"][name].items()}
    return Enum(name.split(".")[-1], {key: int(value) for key, value in members.items() if value is not None})


ENUMS = {name: make_enum(name) for name in TABLE["enums"]}


def fits(kind, value):
    if kind in ENUMS:
        return isinstance(value, ENUMS[kind])
    if kind in CLASSES:
        return isinstance(value, CLASSES[kind]) and getattr(value, "_made", True)
    if kind == "int":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "float":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind == "buffer":
        return isinstance(value, (bytes, bytearray, memoryview))
    if kind == "Dims":
        return isinstance(value, (list, tuple)) and all(isinstance(size, int) for size in value)
    plain = {"str": str, "bool": bool, "list": list, "tuple": tuple, "object": object, "capsule": object}
    return isinstance(value, plain[kind]) if kind in plain else value is None


def parameters_of(form):
    """[(name, type, has a default)] of one signature."""
    inside = re.match(r"\w+\((.*)\) ->", form).group(1)
    found = re.findall(r"(\w+): (\w+(?:\.\w+)?(?:\[[^=]*\])?)( = [^,]+)?", inside)
    return [(name, kind, bool(default)) for name, kind, default in found]


def accepts(form, arguments, named):
    parameters = parameters_of(form)
    given = dict(zip((name for name, _, _ in parameters), arguments), **named)
    if len(arguments) > len(parameters) or len(given) != len(arguments) + len(named):
        return False
    if set(given) - {name for name, _, _ in parameters}:
        return False
    return all(fits(kind, given[name]) if name in given else default for name, kind, default in parameters)


def check(name, form, arguments, named):
    if not any(accepts(each, arguments, named) for each in form.split(" | ")):
        raise TypeError("%s(): incompatible function arguments. The following are supported: %s" % (name, form))


def checked(name, form, function):
    def call(self, *arguments, **named):
        check(name, form, arguments, named)
        return function(self, *arguments, **named)

    return call


def checked_property(name, form, value):
    if form == "read-only property":
        return property(value.fget)
    kind = form[len("property: ") :]

    def set_checked(self, given):
        if not fits(kind, given):
            raise TypeError("%s is %s, not %r" % (name, kind, given))
        value.fset(self, given)

    return property(value.fget, set_checked)


def missing(name):
    def get(_self):
        raise NotImplementedError("the stand-in does nothing for %s" % name)

    return property(get)


def guard(self, name, value):
    """pybind11's own objects take no attributes that their class lacks."""
    if not name.startswith("_") and type(self).__module__.startswith("tensorrt") and not hasattr(type(self), name):
        raise AttributeError("'%s' object has no attribute '%s'" % (type(self).__name__, name))
    object.__setattr__(self, name, value)


def stands_for(name):
    """Makes a class that has exactly the members of NVIDIA's class in this version."""

    def adapt(cls):
        table = TABLE["classes"][name]
        for attribute, value in list(vars(cls).items()):
            if attribute.startswith("_"):
                continue
            if attribute not in table:
                raise ImportError("no version of the bindings has %s.%s" % (name, attribute))
            form = form_of(table[attribute])
            if form is None:
                delattr(cls, attribute)
            elif isinstance(value, property):
                setattr(cls, attribute, checked_property(attribute, form, value))
            else:
                setattr(cls, attribute, checked(attribute, form, value))
        for attribute, forms in table.items():
            if attribute != "__init__" and form_of(forms) and not hasattr(cls, attribute):
                setattr(cls, attribute, missing("%s.%s" % (name, attribute)))
        cls.__setattr__ = guard
        cls.__name__ = name
        if any(form_of(forms) for forms in table.values()):
            CLASSES[name] = cls
        return cls

    return adapt


def field(name, default=None):
    """A property that keeps what it is given."""
    return property(lambda self: getattr(self, "_" + name, default), lambda self, value: setattr(self, "_" + name, value))
