/** `--equalize auto` in whole exports: the equalised graph is exported only if int8 gains by it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { ExportReport } from '../../src/export/report/report.ts';
import { graphOf } from '../../src/formats/onnx/graph.ts';
import { quantiseModel } from '../../src/graph/precision/qdq.ts';
import { asInt8, classesOf, decibels, exportNetwork } from '../builders/exports.ts';
import { channels, input, Network } from '../builders/networks.ts';
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
  t.regex(stderr, /Channels were not equalised: no held-out images .*⟨batches⟩/);
});
