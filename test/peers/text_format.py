"""Parses protobuf text format with google.protobuf and a schema in JSON: [{schema, text}] -> [{value} | {error}]."""

import json
import math
import sys

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format

SCALARS = {'string': 'TYPE_STRING', 'bool': 'TYPE_BOOL', 'float': 'TYPE_FLOAT'}
Field = descriptor_pb2.FieldDescriptorProto


def integer_type(schema):
    return 'TYPE_INT32' if schema['min'] < 0 else 'TYPE_UINT32'


def fill_message(message, schema, package):
    for group in schema['oneofs']:
        message.oneof_decl.add(name='_or_'.join(group))
    for number, (name, kind) in enumerate(schema['fields'].items(), 1):
        field = message.field.add(name=name, number=number, label=Field.LABEL_OPTIONAL)
        for index, group in enumerate(schema['oneofs']):
            if name in group:
                field.oneof_index = index
        while kind['kind'] in ('repeated', 'map'):
            field.label = Field.LABEL_REPEATED
            if kind['kind'] == 'map':
                key = {'kind': 'string'}
                kind = {'kind': 'message', 'oneofs': [], 'entry': True, 'fields': {'key': key, 'value': kind['of']}}
                break
            kind = kind['of']
        set_type(message, field, kind, package)


def set_type(message, field, kind, package):
    inner = ''.join(part.capitalize() for part in field.name.split('_')) + 'Entry'
    if kind['kind'] == 'message':
        nested = message.nested_type.add(name=inner)
        fill_message(nested, kind, f'{package}.{inner}')
        nested.options.map_entry = kind.get('entry', False)
        field.type, field.type_name = Field.TYPE_MESSAGE, f'{package}.{inner}'
    elif kind['kind'] == 'enum':
        nested = message.enum_type.add(name=inner)
        for name, number in kind['numbers'].items():
            nested.value.add(name=name, number=number)
        field.type, field.type_name = Field.TYPE_ENUM, f'{package}.{inner}'
    else:
        name = integer_type(kind) if kind['kind'] == 'integer' else SCALARS[kind['kind']]
        field.type = getattr(Field, name)


def message_class(schema):
    file = descriptor_pb2.FileDescriptorProto(name='spec.proto', syntax='proto2', package='spec')
    fill_message(file.message_type.add(name='Spec'), schema, '.spec.Spec')
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName('spec.Spec'))


def plain(field, value):
    if field.type == Field.TYPE_MESSAGE:
        return values_of(value)
    if field.type == Field.TYPE_ENUM:
        return field.enum_type.values_by_number[value].name
    if field.type == Field.TYPE_FLOAT and not math.isfinite(value):
        return str(value)
    return value


def values_of(message):
    result = {}
    for field, value in message.ListFields():
        if field.type == Field.TYPE_MESSAGE and field.message_type.GetOptions().map_entry:
            of = field.message_type.fields_by_name['value']
            result[field.name] = {key: plain(of, value[key]) for key in value}
        elif field.is_repeated if hasattr(field, 'is_repeated') else field.label == Field.LABEL_REPEATED:
            result[field.name] = [plain(field, each) for each in value]
        else:
            result[field.name] = plain(field, value)
    return result


def answer(case, classes):
    key = json.dumps(case['schema'], sort_keys=True)
    if key not in classes:
        classes[key] = message_class(case['schema'])
    try:
        return {'value': values_of(text_format.Merge(case['text'], classes[key]()))}
    except (text_format.ParseError, ValueError) as error:
        return {'error': str(error)}


with open(sys.argv[1], encoding='utf-8') as file:
    known = {}
    answers = [answer(case, known) for case in json.load(file)]
with open(sys.argv[2], 'w', encoding='utf-8') as file:
    json.dump(answers, file)
print(json.dumps(len(answers)))
