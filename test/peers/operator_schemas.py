"""Prints the types of every operator of the default domain, from onnx's schemas, as a JSON object:
operator -> [{since, inputs: [[variable, types, variadic]], outputs: the same}], from operator set 7 on."""
import json

import onnx


def parameters(schema, formal):
    variadic = onnx.defs.OpSchema.FormalParameterOption.Variadic
    return [[p.type_str, sorted(p.types), p.option == variadic] for p in formal]


found = {}
for schema in onnx.defs.get_all_schemas_with_history():
    if schema.domain == "" and not schema.deprecated:
        found.setdefault(schema.name, []).append(schema)
result = {}
for name, versions in sorted(found.items()):
    versions.sort(key=lambda schema: schema.since_version)
    old = [schema for schema in versions if schema.since_version <= 7]
    result[name] = [
        {
            "since": schema.since_version,
            "inputs": parameters(schema, schema.inputs),
            "outputs": parameters(schema, schema.outputs),
        }
        for schema in old[-1:] + [schema for schema in versions if schema.since_version > 7]
    ]
print(json.dumps(result))
