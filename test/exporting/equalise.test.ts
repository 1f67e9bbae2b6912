/** `--equalize auto` and `--choose_algorithm` in whole exports: graph and method change only if int8 gains by it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { ExportReport } from '../../src/export/report/report.ts';
import { graphOf } from '../../src/formats/onnx/graph.ts';
import { quantiseModel } from '../../src/graph/precision/qdq.ts';
import { asInt8, classesOf, decibels, exportNetwork } from '../builders/exports.ts';
import { channels, classifierWith, input, Network } from '../builders/networks.ts';
import { convolved, unequalClassifier } from '../builders/unequal-channels.ts';
import { peerPython } from '../peers/venv.ts';

const auto = ['--equalize', 'auto'];

/** Built by NVIDIA's parser and builder, without a GPU. */
const asRtxEngine = async (): Promise<readonly string[]> => [
  ...['--engine_file', 'e.engine', '--engine_backend', 'TensorRtRtx', '--compute_capability', '8.6'],
  ...['--python', await peerPython()],
];

const unequal = () =>
  unequalClassifier((n, x) => n.node('Clip', [convolved(n, x), n.scalar(0), n.scalar(1.2)]));

/** All channels of a tensor are equal. */
const alike = () => {
  const network = new Network();
  const conv = (from: string, inputs: number): string => {
    const weight = network.floats([channels, inputs, 3, 3], new Array(channels * inputs * 9).fill(0.01));
    return network.node('Relu', [network.conv(from, weight)]);
  };
  network.head(conv(conv(input, 3), channels));
  return network.model();
};

test('a network with unequal channels is exported equalised, with the gain in log and report', async (t) => {
  const model = unequal();
  const report = ['--report', 'r.html'];
  const [plain, equalised] = await Promise.all([
    exportNetwork(model, ...(await asInt8()), ...report),
    exportNetwork(model, ...(await asInt8()), ...report, ...auto, ...(await asRtxEngine())),
  ]);
  t.is(equalised.code, 0, equalised.stderr);
  const [noted] = /Channels are equalised before \d+ convolutions.*/.exec(equalised.stderr) ?? [''];
  const [withGain, without] = [...noted.matchAll(/([\d.]+) dB/g)].map(([, db]) => Number(db));
  t.true(withGain! > without! + 4, noted);
  t.regex(noted, /1 element-wise nodes were added/);
  t.regex(
    equalised.stderr,
    /Compared with the given model on 4 held-out images, and equal: the graph as written/,
  );
  const [before, after] = [plain, equalised].map(
    ({ folder }) => JSON.parse(readFileSync(join(folder, 'r.json'), 'utf8')) as ExportReport,
  );
  t.is(Number(before!.agreement!.sqnrDb).toFixed(1), without!.toFixed(1));
  t.is(Number(after!.agreement!.sqnrDb).toFixed(1), withGain!.toFixed(1));
  t.true(after!.notes.includes(`${noted}.`));
  t.is(before!.levers, undefined);
  const [kept, ...others] = after!.levers!.filter((lever) => lever.kept);
  t.deepEqual(others, []);
  t.is(kept!.after, after!.agreement!.sqnrDb);
  t.is(kept!.before, before!.agreement!.sqnrDb);
  const text = readFileSync(join(equalised.folder, 'r.html'), 'utf8');
  t.true(
    text.includes(`${Number(kept!.before).toFixed(1)} dB → ${Number(kept!.after).toFixed(1)} dB`),
    text.slice(0, 99),
  );
  t.true(graphOf(equalised.payload!).node.some(({ opType }) => opType === 'Min'));
  t.true(decibels(await classesOf(model), await classesOf(equalised.payload!)) > 100);
  t.true(readFileSync(join(equalised.folder, 'e.engine')).length > 10_000);
});

test('without the flag, the model is exported as it is, and so it is if nothing can be gained', async (t) => {
  const model = unequal();
  const plain = await exportNetwork(model, ...(await asInt8()));
  t.notRegex(plain.stderr, /qualis/);
  t.deepEqual(plain.payload, (await exportNetwork(model)).payload);
  const even = alike();
  const { stderr, payload } = await exportNetwork(even, ...(await asInt8()), ...auto);
  t.regex(stderr, /Channels were not equalised: that gains no accuracy to rely on/);
  t.deepEqual(payload, (await exportNetwork(even)).payload);
});

test('a model trained with quantisation, and an export without held-out images, keep their graph', async (t) => {
  const model = unequal();
  const { scales } = await exportNetwork(model, ...(await asInt8()));
  const trained = quantiseModel(model, scales!);
  for (const flags of [auto, [...auto, '--force_ptq']]) {
    const { stderr, code } = await exportNetwork(trained, ...(await asInt8()), ...flags);
    t.is(code, 0, stderr);
    t.regex(stderr, /Channels were not equalised: the model was trained with quantisation/);
  }
  const all = (await asInt8()).map((word) => (word === '2' ? '9' : word));
  const { stderr } = await exportNetwork(model, ...all, ...auto);
  t.regex(stderr, /Channels were not equalised: only 7 or more held-out images .* there are 0; .*⟨batches⟩/);
});

/** A few large activations, which tanh makes equal: MinMax keeps them, and other methods cut them off. */
const withTail = () =>
  classifierWith((network, from) => {
    const conv = network.conv(from);
    const excess = network.node('Relu', [network.node('Sub', [conv, network.scalar(6)])]);
    const tail = network.node('Add', [conv, network.node('Mul', [network.scalar(50), excess])]);
    const nearIdentity = Array.from({ length: channels ** 2 }, (_, i) =>
      i % (channels + 1) === 0 ? 1 : 0.01,
    );
    const weight = network.floats([channels, channels, 1, 1], nearIdentity);
    return network.node('Tanh', [network.node('Conv', [tail, weight])]);
  });

const choosing = ['--choose_algorithm'];

test('another calibration method replaces the requested one if it gains accuracy', async (t) => {
  const model = withTail();
  const [plain, chosen] = await Promise.all([
    exportNetwork(model, ...(await asInt8()), '--report', 'r.html'),
    exportNetwork(model, ...(await asInt8()), '--report', 'r.html', ...choosing),
  ]);
  t.is(chosen.code, 0, chosen.stderr);
  const [, method] = /Thresholds are by (\w+) instead of MinMax \(SQNR/.exec(chosen.stderr) ?? [];
  const reportOf = ({ folder }: typeof plain) =>
    JSON.parse(readFileSync(join(folder, 'r.json'), 'utf8')) as ExportReport;
  const [before, after] = [reportOf(plain), reportOf(chosen)];
  t.is(after.calibration!.algorithm, method as 'Mse');
  const [kept, ...others] = after.levers!;
  t.deepEqual(others, []);
  t.like(kept, { name: `Thresholds by ${method}`, kept: true, after: after.agreement!.sqnrDb });
  t.is(kept!.before, before.agreement!.sqnrDb);
  t.true(Number(kept!.after) > Number(kept!.before) + 0.5);
  t.deepEqual(chosen.payload, plain.payload);
  const alone = await exportNetwork(
    model,
    ...(await asInt8()).map((word) => (word === 'MinMax' ? method! : word)),
  );
  t.deepEqual(chosen.scales, alone.scales);
});

test('the calibration method stays if no other gains accuracy', async (t) => {
  const even = alike();
  const { stderr, scales } = await exportNetwork(even, ...(await asInt8()), ...choosing, ...auto);
  t.regex(stderr, /Channels were not equalised, and the calibration method stays: that gains no accuracy/);
  t.deepEqual(scales, (await exportNetwork(even, ...(await asInt8()))).scales);
});
