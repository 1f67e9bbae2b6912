import { writeFileSync } from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import { File as Hdf5File, ready } from 'h5wasm/node';
import { withKerasFile } from '../../src/formats/hdf5/keras-file.ts';
import { type ImportOptions, importKeras } from '../../src/graph/keras/import.ts';
import { UserError } from '../../src/ground/base/errors.ts';
import type { FailureReason } from '../../src/ground/base/failures.ts';
import { readableBytes } from '../../src/ground/base/readable.ts';
import { aDetector } from './detectors.ts';
import {
  aLayer,
  aNetwork,
  anInput,
  imported,
  kerasBytes,
  type MadeFile,
  newPath,
  writeKeras,
} from './fixtures.ts';

const conv = (config: object = {}) =>
  aLayer('Conv2D', 'conv1', { config: { filters: 4, kernel_size: [3, 3], ...config }, from: ['input_1'] });
const weights = { conv1: { kernel: [3, 3, 3, 4], bias: [4] } };
const valid: MadeFile = { network: aNetwork(anInput(), conv()), weights };

type Case = { readonly file: MadeFile; readonly reason: FailureReason; readonly message: RegExp };

const refuses = test.macro({
  exec: async (t, { file, reason, message }: Case) => {
    const path = await writeKeras(file);
    const error = await t.throwsAsync(imported(path), { instanceOf: UserError });
    t.is(error.reason, reason, error.message);
    t.regex(error.message, message);
  },
  title: (name) => `refuses ${name}`,
});

test('the file that the damaged files are derived from is valid', async (t) => {
  t.is((await imported(await writeKeras(valid))).layers.length, 1);
});

test('a file without a network', refuses, {
  file: { weights },
  reason: 'ModelInvalid',
  message: /not a Keras model.*model_config is missing/,
});
for (const [version, mark] of [
  ['2', (file: Hdf5File) => file.create_attribute('layer_names', ['conv1'])],
  ['3', (file: Hdf5File) => file.create_group('layers')],
] as const)
  test(`refuses what save_weights() of Keras ${version} writes`, async (t) => {
    const path = newPath();
    await ready;
    const file = new Hdf5File(path, 'w');
    mark(file);
    file.close();
    await t.throwsAsync(imported(path), {
      instanceOf: UserError,
      message: /it contains weights but no network\. Save the model with save\(\)/,
    });
  });
test('a network that is not JSON', refuses, {
  file: { ...valid, network: '{"class_name": "Mod' },
  reason: 'ModelInvalid',
  message: /is not JSON/,
});
test('a subclassed model', refuses, {
  file: { ...valid, network: { class_name: 'MyModel', config: {} } },
  reason: 'ModelUnsupported',
  message: /MyModel.*Python code/,
});
test('a layer whose weight group is missing', refuses, {
  file: { ...valid, weights: {} },
  reason: 'ModelInvalid',
  message: /group of the layer conv1 is missing/,
});
test('a layer with a missing weight', refuses, {
  file: { ...valid, weights: { conv1: { kernel: [3, 3, 3, 4] } } },
  reason: 'ModelInvalid',
  message: /conv1 \(Conv2D\): its weight bias is missing/,
});
test('weights whose shape contradicts the layer', refuses, {
  file: { ...valid, network: aNetwork(anInput(), conv({ filters: 5 })) },
  reason: 'ModelInvalid',
  message: /conv1 \(Conv2D\): its kernel has the shape \(3, 3, 3, 4\).*require \(3, 3, 3, 5\)/,
});
test('a Lambda', refuses, {
  file: { network: aNetwork(anInput(), aLayer('Lambda', 'twice', { from: ['input_1'] })) },
  reason: 'ModelUnsupported',
  message: /twice \(Lambda\): its function is Python code.*Export the model to ONNX/,
});
test('a Lambda in a nested model, with its path and configuration but not its code', refuses, {
  file: {
    network: aNetwork(
      anInput(),
      aLayer('Model', 'block', {
        config: {
          layers: [
            anInput([8, 8, 3], 'input_2'),
            aLayer('Lambda', 'twice', {
              config: { function: ['4wEAAAAA', null, null], function_type: 'lambda', arguments: { by: 2 } },
              from: ['input_2'],
            }),
          ],
          input_layers: [['input_2', 0, 0]],
          output_layers: [['twice', 0, 0]],
        },
        from: ['input_1'],
      }),
    ),
  },
  reason: 'ModelUnsupported',
  message:
    /block\/twice \(Lambda\).*\(its configuration: {"name":"twice","function_type":"lambda","arguments":{"by":2}}\)\. Export/,
});
for (const called of ['scaled', { class_name: 'function', config: 'scaled', registered_name: 'function' }])
  test(`a Lambda of a function of Keras ${typeof called === 'string' ? 2 : 3}, with its name`, refuses, {
    file: {
      network: aNetwork(
        anInput(),
        aLayer('Lambda', 'own', { config: { function: called }, from: ['input_1'] }),
      ),
    },
    reason: 'ModelUnsupported',
    message: /"function":"scaled"/,
  });
test('an unknown layer, with its configuration', refuses, {
  file: { network: aNetwork(anInput(), aLayer('Mine', 'own', { config: { depth: 3 }, from: ['input_1'] })) },
  reason: 'ModelUnsupported',
  message: /own \(Mine\).*"depth":3.*Export the model to ONNX/,
});
test('an unknown activation', refuses, {
  file: { ...valid, network: aNetwork(anInput(), conv({ activation: 'wobble' })) },
  reason: 'ModelUnsupported',
  message: /activation is "wobble"/,
});
test('a configuration of the wrong type', refuses, {
  file: { ...valid, network: aNetwork(anInput(), conv({ strides: [0, 'a'] })) },
  reason: 'ModelInvalid',
  message: /its strides is \[0,"a"\]; expected two positive integers/,
});
test('a window larger than the image', refuses, {
  file: {
    network: aNetwork(anInput([2, 8, 3]), conv()),
    weights,
  },
  reason: 'ModelInvalid',
  message: /spans 3 pixels of an image with 2/,
});
test('a reference to a layer that does not exist', refuses, {
  file: { ...valid, network: aNetwork(anInput(), aLayer('Add', 'sum', { from: ['input_1', 'nobody'] })) },
  reason: 'ModelInvalid',
  message: /layer nobody/,
});
test('layers that depend on each other', refuses, {
  file: {
    network: aNetwork(
      anInput(),
      aLayer('Add', 'a', { from: ['input_1', 'b'] }),
      aLayer('Add', 'b', { from: ['a', 'input_1'] }),
    ),
  },
  reason: 'ModelInvalid',
  message: /depends on its own output/,
});
test('inputs whose shapes do not match', refuses, {
  file: {
    ...valid,
    network: aNetwork(anInput(), conv(), aLayer('Add', 'sum', { from: ['input_1', 'conv1'] })),
  },
  reason: 'ModelInvalid',
  message: /sum \(Add\).*\(8, 8, 3\) and \(6, 6, 4\)/,
});

test('a pruned model with odd channel counts is accepted', async (t) => {
  const made = await writeKeras({
    network: aNetwork(anInput(), conv({ filters: 7 })),
    weights: { conv1: { kernel: [3, 3, 3, 7], bias: [7] } },
  });
  t.deepEqual((await imported(made)).layers[0]!.shape, [6, 6, 7]);
});

test('a file that is not HDF5 is reported as damaged', async (t) => {
  const path = newPath();
  writeFileSync(path, 'PK\x03\x04 and so on');
  await t.throwsAsync(imported(path), { instanceOf: UserError, message: /HDF5 cannot read it/ });
});

// Each damaged file starts libhdf5 again; `npm run fuzz -- --target Keras` reads thousands.
const whole = kerasBytes('squeezenet');

/** Whether any bytes give a model or an error with a reason. */
const endsWell = async (bytes: Uint8Array, options?: ImportOptions): Promise<boolean> => {
  try {
    await withKerasFile({ path: 'x.hdf5', content: readableBytes(bytes) }, (file) =>
      importKeras(file, options),
    );
    return true;
  } catch (thrown) {
    if (thrown instanceof UserError) return true;
    throw thrown;
  }
};

test('a truncated file ends in a typed error', async (t) => {
  const lengths = fc.integer({ min: 0, max: whole.length - 1 });
  const property = fc.asyncProperty(lengths, (length) => endsWell(whole.slice(0, length)));
  await t.notThrowsAsync(fc.assert(property, { numRuns: 25 }));
});
test('a file with flipped bits ends in a typed error or in a model', async (t) => {
  const flips = fc.array(fc.nat(whole.length * 8 - 1), { minLength: 1, maxLength: 6 });
  const property = fc.asyncProperty(flips, (places) => {
    const bytes = Uint8Array.from(whole);
    for (const place of places) bytes[place >> 3]! ^= 1 << (place & 7);
    return endsWell(bytes);
  });
  await t.notThrowsAsync(fc.assert(property, { numRuns: 60 }));
});
/** Position of the network's JSON in a file: damage there reaches the importer, not HDF5. */
const networkIn = (bytes: Uint8Array): readonly [from: number, to: number] => {
  const text = Buffer.from(bytes);
  const from = text.indexOf('{"class_name"');
  return [from, text.indexOf('\0', from)];
};
for (const name of ['ssd', 'yolo', 'faster_rcnn'] as const)
  test(`a ${name} with a damaged network ends in a typed error or in a model`, async (t) => {
    const valid = kerasBytes(name);
    const [from, to] = networkIn(valid);
    const digit = fc.tuple(
      fc.integer({ min: from, max: to - 1 }),
      fc.constantFrom(...'0123456789-[]{}",.ne'),
    );
    const property = fc.asyncProperty(fc.array(digit, { minLength: 1, maxLength: 3 }), (changes) => {
      const bytes = Uint8Array.from(valid);
      for (const [place, character] of changes) bytes[place] = character.charCodeAt(0);
      return endsWell(bytes, { detector: aDetector(name) });
    });
    await t.notThrowsAsync(fc.assert(property, { numRuns: 20 }));
  });
test('a heap on which HDF5 would loop forever is detected first', async (t) => {
  const bytes = Uint8Array.from(whole);
  const heap = Buffer.from(bytes.buffer).indexOf('GCOL');
  new DataView(bytes.buffer).setBigUint64(heap + 24, 2n ** 32n - 16n, true); // with its header, 0 in 32 bits
  await t.throwsAsync(
    withKerasFile({ path: 'x.hdf5', content: readableBytes(bytes) }, (file) => importKeras(file)),
    {
      instanceOf: UserError,
      message: /its heap at byte \d+ is damaged/,
    },
  );
});
