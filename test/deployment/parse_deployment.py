"""Parses a Triton configuration or an in-toto statement by the definitions of their owners: KIND FILE -> JSON.

The classes come from the packages tritonclient and in-toto-attestation in PYTHONPATH; only their generated modules are loaded.
"""

import importlib.util
import json
import os
import sys

from google.protobuf import json_format, text_format


def load(relative):
    """A generated module, without the package around it, which would need gRPC."""
    for folder in os.environ["PYTHONPATH"].split(os.pathsep):
        path = os.path.join(folder, relative)
        if os.path.exists(path):
            spec = importlib.util.spec_from_file_location(os.path.basename(relative)[:-3], path)
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            return module
    raise FileNotFoundError(relative)


def triton(text):
    config = load("tritonclient/grpc/model_config_pb2.py").ModelConfig()
    text_format.Parse(text, config)
    return json_format.MessageToDict(config, preserving_proto_field_name=True)


def statement(text):
    from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
    from in_toto_attestation.v1.statement import Statement
    from in_toto_attestation.v1 import statement_pb2

    parsed = json_format.Parse(text, statement_pb2.Statement())
    Statement.copy_from_pb(parsed).validate()
    predicate = json_format.ParseDict(json_format.MessageToDict(parsed.predicate), provenance_pb2.Provenance())
    for dependency in predicate.build_definition.resolved_dependencies:
        if not (dependency.name or dependency.uri or dependency.digest):
            raise ValueError("a dependency without a name")
    return {"type": parsed.type, "predicateType": parsed.predicate_type, "predicate": json_format.MessageToDict(predicate)}


with open(sys.argv[2], encoding="utf-8") as file:
    print(json.dumps({"triton": triton, "statement": statement}[sys.argv[1]](file.read())))
