"""Prints the API of NVIDIA's own Python bindings of one TensorRT version, as JSON.

Usage: bindings_api.py WHEEL FOLDER

The bindings are on PyPI for CPython 3.11 (those of 8.5 for 3.6 to 3.10); the libraries that they link are not. They import a dozen C functions from them, so
libraries with those symbols, each of which returns null, are enough to load the module and to read its names. Nothing can be
built with it: every factory fails. Needs gcc, nm and readelf. NVIDIA's files stay in FOLDER.

{"classes": {class: {member: [signatures]}}, "enums": {enum: {name: value}}, "functions": {name: [signatures]}}. A property has the
signature "property: TYPE" or "read-only property".
"""
import json
import os
import re
import subprocess
import sys
import zipfile

LOADED = os.environ.get("TENSORRT_BINDINGS")


def output_of(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def make_libraries(home):
    """A library for each of NVIDIA's that the module needs, with all symbols that it leaves undefined."""
    module = os.path.join(home, "tensorrt.so")
    needed = re.findall(r"NEEDED.*\[(libnv.+)\]", output_of("readelf", "-d", module))
    undefined = [line.split()[-1] for line in output_of("nm", "-D", "--undefined-only", module).splitlines()]
    known = ("Py", "_Py", "_ITM", "_ZGT", "__gmon", "__pthread", "pthread_", "dl")
    symbols = [name for name in undefined if "@" not in name and not name.startswith(known)]
    source = os.path.join(home, "symbols.c")
    with open(source, "w") as file:
        file.writelines("void *%s(void) { return 0; }\n" % name for name in symbols)
    for library in needed:
        output_of("gcc", "-shared", "-fPIC", "-Wl,-soname," + library, "-o", os.path.join(home, library), source)


def plain(signature):
    """Without the module's name and self, and with one spelling for types that releases of pybind11 spell differently."""
    text = re.sub(r"\b(tensorrt|nvinfer1|nvonnxparser)(\.|::)", "", signature).replace("::", ".")
    text = text.replace("typing.SupportsInt", "int").replace("typing.SupportsFloat", "float")
    text = text.replace("collections.abc.Sequence", "List").replace("typing_extensions.Buffer", "buffer")
    text = text.replace("typing_extensions.CapsuleType", "capsule").replace("list[", "List[")
    text = re.sub(r"<(\w+\.\w+): -?\d+>", r"\1", text)
    return re.sub(r"\(self: \w+(, )?", "(", text)


def signatures_of(name, value):
    lines = (getattr(value, "__doc__", None) or "").strip().split("\n")
    overloads = [re.match(r"\d+\. (%s\(.*)" % re.escape(name), line) for line in lines]
    found = [match.group(1) for match in overloads if match] or lines[:1]
    return [plain(line) for line in found]


def property_of(value):
    if value.fset is None:
        return ["read-only property"]
    setter = plain((value.fset.__doc__ or "").strip().split("\n")[0])
    taken = re.search(r"arg1: (.*?)\) ->", setter)
    return ["property: " + (taken.group(1) if taken else "object")]


def members_of(cls):
    """pybind11 gives each member on the class that defines it; nested enums are listed apart."""
    members = {}
    for name in dir(cls):
        value = getattr(cls, name)
        if name.startswith("_") and name != "__init__" or isinstance(value, type) or hasattr(type(value), "__members__"):
            continue
        definition = next((each.__dict__[name] for each in cls.__mro__ if name in each.__dict__), value)
        members[name] = property_of(definition) if isinstance(definition, property) else signatures_of(name, value)
    return members


def describe():
    import tensorrt

    api = {"classes": {}, "enums": {}, "functions": {}}
    names = {name: value for name, value in vars(tensorrt).items() if not name.startswith("_")}
    names["ILogger.Severity"] = tensorrt.ILogger.Severity
    for name, value in sorted(names.items()):
        if isinstance(value, type) and hasattr(value, "__members__"):
            api["enums"][name] = {key: int(member) for key, member in sorted(value.__members__.items())}
        elif isinstance(value, type):
            api["classes"][name] = members_of(value)
        elif callable(value):
            api["functions"][name] = signatures_of(name, value)
    return api


def main():
    wheel, folder = sys.argv[1:]
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
        module = next(name for name in archive.namelist() if name.endswith("/tensorrt.so"))
    home = os.path.join(folder, os.path.dirname(module))
    make_libraries(home)
    env = {**os.environ, "LD_LIBRARY_PATH": home, "PYTHONPATH": home, "TENSORRT_BINDINGS": home}
    sys.stdout.write(subprocess.run([sys.executable, "-B", __file__], check=True, capture_output=True, text=True, env=env).stdout)


if LOADED:
    print(json.dumps(describe()))
elif __name__ == "__main__":
    main()
