/**
 * The API of NVIDIA's own Python bindings, version by version, from PyPI. What the driver and the stand-in use of it is kept in
 * fixtures/tensorrt/api.json: names, values and signatures.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cached, digestOf } from '../cluster/cache.ts';
import { run } from '../cluster/run.ts';

/** One release of each family, and of each change of names inside a family. */
export const bindingVersions = [
  '8.6.1',
  '10.3.0',
  '10.7.0',
  '10.8.0.43',
  '10.13.3.9',
  '11.0.0.114',
  '11.4.0.106',
] as const;
export type BindingVersion = (typeof bindingVersions)[number];

type Signatures = Readonly<Record<string, readonly string[]>>;

/** What one version has: signatures of members by class, values by enum, signatures of functions. */
export type BindingApi = {
  readonly classes: Readonly<Record<string, Signatures>>;
  readonly enums: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly functions: Signatures;
};

/** Loads the bindings of a version, downloaded once, and reads all names from them. */
export const readBindings = async (version: BindingVersion): Promise<BindingApi> => {
  const script = 'bindings_api.py';
  const name = `tensorrt-bindings-${version}-${digestOf(import.meta.dirname, [script])}`;
  const folder = await cached(name, async (path) => {
    const project = version.startsWith('8.') ? 'tensorrt-bindings' : 'tensorrt-cu12-bindings';
    const pip = ['-m', 'pip', 'download', '--quiet', '--no-deps', '--only-binary=:all:'];
    const label = `downloading the Python bindings of TensorRT ${version} (first run only)`;
    await run('python3', [...pip, '--dest', path, `${project}==${version}`], { label });
    const wheel = readdirSync(path).find((file) => file.endsWith('.whl'))!;
    const api = await run('python3', ['-B', join(import.meta.dirname, script), join(path, wheel), path]);
    writeFileSync(join(path, 'api.json'), api);
  });
  return JSON.parse(readFileSync(join(folder, 'api.json'), 'utf8')) as BindingApi;
};

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

/** Makes the kept table from the real bindings. */
export const makeApiTable = async (): Promise<ApiTable> => {
  const apis = await Promise.all(bindingVersions.map(readBindings));
  const tableOf = (pick: (api: BindingApi) => Signatures | undefined): Table => {
    const names = [...new Set(apis.flatMap((api) => Object.keys(pick(api) ?? {})))].sort();
    return Object.fromEntries(names.map((name) => [name, formsOf(apis.map((api) => pick(api)?.[name]))]));
  };
  const tables = (
    names: readonly string[],
    pick: (api: BindingApi, name: string) => Signatures | undefined,
  ) => Object.fromEntries(names.map((name) => [name, tableOf((api) => pick(api, name))]));
  return {
    versions: bindingVersions,
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
  found: readonly (readonly string[] | undefined)[],
): readonly (readonly [string, string])[] => {
  const forms = new Map<string, string[]>();
  for (const [i, form] of found.entries()) {
    if (form === undefined) continue;
    const text = form.join(' | ');
    forms.set(text, [...(forms.get(text) ?? []), bindingVersions[i]!]);
  }
  return [...forms].map(([text, versions]) => [
    text,
    versions.length === bindingVersions.length ? '*' : versions.join(' '),
  ]);
};
