/** The driver and the stand-in against NVIDIA's own Python bindings of eight versions: every name, value and signature. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import test from 'ava';
import { driverFile } from '../../src/graph/builders/run-driver.ts';
import { planTensorRt } from '../../src/ground/plans/make-plan.ts';
import { type ApiTable, apiTableFile, makeApiTable, pickVersions } from './api-table.ts';
import { type BindingVersion, bindingVersions, readableVersions } from './bindings.ts';
import { combinations } from './combinations.ts';

const table = JSON.parse(readFileSync(apiTableFile, 'utf8')) as ApiTable;
const driver = readFileSync(driverFile, 'utf8');

const isKept = test.macro<[readonly BindingVersion[]]>(async (t, versions) => {
  t.deepEqual(JSON.parse(JSON.stringify(await makeApiTable(versions))), pickVersions(table, versions));
});
const older: readonly BindingVersion[] = ['8.5.2.2'];
const newer = bindingVersions.filter((version) => !older.includes(version));

test('the kept table is that of the real bindings (npm run generate:tensorrt-api)', isKept, newer);
if (readableVersions.includes('8.5.2.2'))
  test('the kept table is that of the real bindings of 8.5.2.2', isKept, older);
else
  test.skip(
    'the kept table is that of the real bindings of 8.5.2.2: needs Python 3.8 or 3.10, and neither is here',
    isKept,
    older,
  );

test('the kept table has these versions', (t) => t.deepEqual(table.versions, bindingVersions));

type Use = readonly [owner: string, member: string, count: number | null];

const usesIn = (programs: readonly string[]): readonly (readonly Use[])[] => {
  const script = join(import.meta.dirname, 'driver_names.py');
  const input = JSON.stringify({ table, programs });
  return JSON.parse(execFileSync('python3', ['-B', script], { input, encoding: 'utf8' })) as Use[][];
};

const moduleNames = [
  ...Object.keys(table.classes),
  ...Object.keys(table.enums),
  ...Object.keys(table.functions),
];

/** Of TensorRT for RTX alone; the driver runs with its real releases. */
const ofRtx = ['IBuilderConfig.num_compute_capabilities', 'IBuilderConfig.set_compute_capability'];

const countOf = (form: string): number => {
  const inside = /^\w+\((.*)\) ->/.exec(form)?.[1] ?? '';
  return inside === '' ? 0 : inside.split(/, (?=\w+: )/).length;
};
const requiredOf = (form: string): number => {
  const inside = /^\w+\((.*)\) ->/.exec(form)?.[1] ?? '';
  return inside === '' ? 0 : inside.split(/, (?=\w+: )/).filter((each) => !each.includes(' = ')).length;
};

/** Why no version has this, or undefined. */
const faultOf = ([owner, member, count]: Use): string | undefined => {
  if (owner === '') return moduleNames.includes(member) ? undefined : `no ${member} in the module`;
  if (ofRtx.includes(`${owner}.${member}`)) return undefined;
  const forms = (table.enums[owner] ?? table.classes[owner])?.[member];
  if (forms === undefined) return `no ${owner}.${member}`;
  if (count === null || owner in table.enums) return undefined;
  const overloads = forms.flatMap(([form]) => form.split(' | '));
  const fits = overloads.some((form) => requiredOf(form) <= count && count <= countOf(form));
  return fits ? undefined : `${owner}.${member} does not take ${count} arguments: ${overloads.join(' | ')}`;
};

const uses = usesIn([driver])[0]!;

test('every name and number of arguments that the driver uses is in the bindings', (t) => {
  t.true(uses.length > 70, `${uses.length} uses`);
  t.deepEqual(
    uses.flatMap((use) => faultOf(use) ?? []),
    [],
  );
});

test('any of these names misspelt is found', (t) => {
  const names = [...new Set(uses.map(([, member]) => member))];
  const misspelt = names.map((name) =>
    driver.replaceAll(new RegExp(`(?<=\\.|def )${name}\\b`, 'g'), `${name}x`),
  );
  const unseen = usesIn(misspelt).flatMap((found, i) =>
    found.some((use) => faultOf(use) !== undefined) ? [] : [names[i]!],
  );
  t.true(names.length > 60);
  t.deepEqual(unseen, []);
});

/** Enum members in plans, by the enum that has them. */
const plans = combinations.flatMap(({ request }) => planTensorRt(request).plan ?? []);
const namesInPlans: Readonly<Record<string, readonly string[]>> = {
  NetworkDefinitionCreationFlag: plans.flatMap(({ networkFlags }) => networkFlags),
  BuilderFlag: plans.flatMap(({ builderFlags }) => builderFlags),
  DataType: plans.flatMap(({ layerPrecision }) => Object.values(layerPrecision)),
  HardwareCompatibilityLevel: plans.flatMap(({ hardwareCompatibility }) => hardwareCompatibility ?? []),
};

test('every name in a plan is a member of its enum', (t) => {
  for (const [owner, names] of Object.entries(namesInPlans)) {
    t.true(names.length > 0, owner);
    for (const name of new Set(names)) t.truthy(table.enums[owner]![name], `${owner}.${name}`);
  }
});

const standIn = join(import.meta.dirname, 'stand-in');

const importStandIn = (version: string, folder: string, program: string) =>
  spawnSync('python3', ['-B', '-c', `import tensorrt as trt\n${program}`], {
    env: { ...process.env, PYTHONPATH: folder, STAND_IN_TENSORRT: version, STAND_IN_API: apiTableFile },
    encoding: 'utf8',
  });

test('the stand-in has the names of each version and no others', (t) => {
  const program = `import json; print(json.dumps({name: [n for n in dir(value) if n[0] != "_"] for name, value in vars(trt).items() if isinstance(value, type)}))`;
  for (const version of bindingVersions) {
    const { stdout, stderr } = importStandIn(version, standIn, program);
    t.not(stdout, '', stderr);
    const has = (forms: readonly (readonly [string, string])[]) =>
      forms.some(([, versions]) => versions === '*' || versions.split(' ').includes(version));
    const found = JSON.parse(stdout) as Readonly<Record<string, readonly string[]>>;
    for (const [name, members] of Object.entries(table.classes)) {
      const expected = Object.keys(members).filter(
        (member) => member !== '__init__' && has(members[member]!),
      );
      const severities = ['Severity', ...Object.keys(table.enums['ILogger.Severity']!)];
      const names = [...expected, ...(name === 'ILogger' ? severities : [])].sort();
      // Memory is Python's bytes, which has more methods.
      const all = (found[name] ?? []).filter((each) => name !== 'IHostMemory' || names.includes(each));
      t.deepEqual([...all].sort(), names, `${version} ${name}`);
    }
  }
});

test('a name that no version has cannot be in the stand-in', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tlt-stand-in-'));
  cpSync(standIn, folder, { recursive: true });
  const file = join(folder, 'tensorrt', 'network.py');
  writeFileSync(file, readFileSync(file, 'utf8').replace('def set_dynamic_range', 'def set_dynamic_rnage'));
  const { status, stderr } = importStandIn('10.3.0', folder, '');
  t.not(status, 0);
  t.regex(stderr, /no version of the bindings has ITensor\.set_dynamic_rnage/);
});

const inVersion = test.macro<[string, string, string]>({
  title: (_, version, program) => `${version} refuses ${program.split('\n').at(-1)}`,
  exec: (t, version, program, says) => {
    const { status, stderr } = importStandIn(version, standIn, program);
    t.not(status, 0);
    t.regex(stderr, new RegExp(says));
  },
});
const config = 'from tensorrt.builder import IBuilderConfig\nconfig = IBuilderConfig()\n';
test(inVersion, '8.5.2.2', 'trt.HardwareCompatibilityLevel', 'no attribute');
test(inVersion, '8.5.2.2', 'trt.BuilderFlag.VERSION_COMPATIBLE', 'VERSION_COMPATIBLE');
test(inVersion, '8.5.2.2', `${config}config.builder_optimization_level = 5`, 'no attribute');
test(inVersion, '8.5.2.2', `${config}config.max_aux_streams = 2`, 'no attribute');
test(inVersion, '8.6.1', 'trt.IProgressMonitor', 'no attribute');
test(inVersion, '11.0.0.114', 'trt.BuilderFlag.INT8', 'INT8');
test(inVersion, '11.4.0.106', 'trt.ITensor.set_dynamic_range', 'no attribute');
test(inVersion, '10.3.0', 'trt.BuilderFlag.STRICT_TYPES', 'STRICT_TYPES');
test(inVersion, '10.3.0', `${config}config.set_flag("INT8")`, 'incompatible function arguments');
test(inVersion, '10.3.0', `${config}config.max_aux_streams = "2"`, 'max_aux_streams is int');
test(inVersion, '10.3.0', `${config}config.max_workspace_size = 1`, 'no attribute');
test(inVersion, '8.6.1', `${config}config.progress_monitor = None`, 'no attribute');
