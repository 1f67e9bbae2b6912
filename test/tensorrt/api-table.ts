/** What the driver and the stand-in use of NVIDIA's bindings, kept in fixtures/tensorrt/api.json: names, values and signatures. */
import { join } from 'node:path';
import {
  type BindingApi,
  type BindingVersion,
  bindingVersions,
  readBindings,
  type Signatures,
} from './bindings.ts';

/** The kept part: classes whose members the driver calls, without the makers of layers, and the enums that plans name. */
const classes = [
  'Builder',
  'EngineInspector',
  'IBuilderConfig',
  'ICudaEngine',
  'IExecutionContext',
  'IHostMemory',
  'ILayer',
  'ILogger',
  'INetworkDefinition',
  'IOptimizationProfile',
  'IProgressMonitor',
  'ITensor',
  'ITimingCache',
  'OnnxParser',
  'ParserError',
  'Runtime',
];
const enums = [
  'BuilderFlag',
  'DataType',
  'DeviceType',
  'HardwareCompatibilityLevel',
  'ILogger.Severity',
  'LayerInformationFormat',
  'LayerType',
  'MemoryPoolType',
  'NetworkDefinitionCreationFlag',
  'ProfilingVerbosity',
  'TensorIOMode',
];
const functions = ['init_libnvinfer_plugins'];

/** Member → each of its forms, with the versions that have it. */
type Table = Readonly<Record<string, readonly (readonly [form: string, versions: string])[]>>;

/** The content of fixtures/tensorrt/api.json. */
export type ApiTable = {
  readonly versions: readonly string[];
  readonly classes: Readonly<Record<string, Table>>;
  readonly enums: Readonly<Record<string, Table>>;
  readonly functions: Table;
};

/** Path of the kept table. */
export const apiTableFile = join(import.meta.dirname, '../fixtures/tensorrt/api.json');

/** Makes the table of some versions from their real bindings. */
export const makeApiTable = async (
  versions: readonly BindingVersion[] = bindingVersions,
): Promise<ApiTable> => {
  const apis = await Promise.all(versions.map(readBindings));
  const tableOf = (pick: (api: BindingApi) => Signatures | undefined): Table => {
    const names = [...new Set(apis.flatMap((api) => Object.keys(pick(api) ?? {})))].sort();
    return Object.fromEntries(
      names.map((name) => [
        name,
        formsOf(
          versions,
          apis.map((api) => pick(api)?.[name]),
        ),
      ]),
    );
  };
  const tables = (
    names: readonly string[],
    pick: (api: BindingApi, name: string) => Signatures | undefined,
  ) => Object.fromEntries(names.map((name) => [name, tableOf((api) => pick(api, name))]));
  return {
    versions,
    classes: tables(classes, (api, name) => withoutLayerMakers(name, api.classes[name])),
    enums: tables(enums, (api, name) => textValues(api.enums[name])),
    functions: tableOf((api) => Object.fromEntries(functions.map((name) => [name, api.functions[name]!]))),
  };
};

const withoutLayerMakers = (name: string, members: Signatures = {}): Signatures =>
  name === 'INetworkDefinition'
    ? Object.fromEntries(Object.entries(members).filter(([member]) => !member.startsWith('add_')))
    : members;

const textValues = (values: Readonly<Record<string, number>> = {}): Signatures =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, [String(value)]]));

const formsOf = (
  all: readonly BindingVersion[],
  found: readonly (readonly string[] | undefined)[],
): readonly (readonly [string, string])[] => {
  const forms = new Map<string, string[]>();
  for (const [i, form] of found.entries()) {
    if (form === undefined) continue;
    const text = form.join(' | ');
    forms.set(text, [...(forms.get(text) ?? []), all[i]!]);
  }
  return [...forms].map(([text, versions]) => [
    text,
    versions.length === all.length ? '*' : versions.join(' '),
  ]);
};

/** The part of a table that some of its versions have, as if it had been made of them alone. */
export const pickVersions = (table: ApiTable, versions: readonly BindingVersion[]): ApiTable => {
  const pickForms = (forms: Table[string]): Table[string] =>
    forms
      .map(([text, known]) => {
        const all = known === '*' ? table.versions : known.split(' ');
        return [text, versions.filter((version) => all.includes(version))] as const;
      })
      .filter(([, found]) => found.length > 0)
      .toSorted(([, [a]], [, [b]]) => versions.indexOf(a!) - versions.indexOf(b!))
      .map(([text, found]) => [text, found.length === versions.length ? '*' : found.join(' ')]);
  const pickMembers = (members: Table): Table =>
    Object.fromEntries(
      Object.entries(members)
        .map(([name, forms]) => [name, pickForms(forms)] as const)
        .filter(([, forms]) => forms.length > 0),
    );
  const pickTables = (tables: Readonly<Record<string, Table>>) =>
    Object.fromEntries(Object.entries(tables).map(([name, members]) => [name, pickMembers(members)]));
  return {
    versions,
    classes: pickTables(table.classes),
    enums: pickTables(table.enums),
    functions: pickMembers(table.functions),
  };
};
