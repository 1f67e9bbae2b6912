"""Prints the differences of two layers (tar files) as a JSON list of lines: path, attribute, both values."""

import hashlib
import json
import sys
import tarfile

ATTRIBUTES = ("type", "mode", "uid", "gid", "uname", "gname", "mtime", "size", "linkname", "pax_headers")


def entries(path):
    """Path → attributes of the entry, and the digest of its content."""
    found = {}
    with tarfile.open(path) as archive:
        for member in archive:
            values = {name: getattr(member, name) for name in ATTRIBUTES}
            values["type"] = member.type.decode("latin-1")
            if member.isfile():
                values["sha256"] = hashlib.sha256(archive.extractfile(member).read()).hexdigest()
            found[member.name] = values
    return found


def differences(first, second):
    for path in sorted(first.keys() - second.keys()):
        yield f"{path}: only in the first"
    for path in sorted(second.keys() - first.keys()):
        yield f"{path}: only in the second"
    for path in sorted(first.keys() & second.keys()):
        for name, value in first[path].items():
            if value != second[path].get(name):
                yield f"{path}: {name} {value}, then {second[path].get(name)}"
    if list(first) != list(second) and sorted(first) == sorted(second):
        yield "the entries have another order"


print(json.dumps(list(differences(entries(sys.argv[1]), entries(sys.argv[2])))))
