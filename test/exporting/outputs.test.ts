/** Every output of a graph is part of report and gate, and the number of images is correct. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { ExportReport } from '../../src/export/report/report.ts';
import { failures } from '../../src/ground/base/failures.ts';
import { asInt8, exportNetwork } from '../builders/exports.ts';
import { channels, Network } from '../builders/networks.ts';

/** Besides the classes, a second output that int8 destroys: a thousandth of the difference of two large tensors. */
const withFragileOutput = () => {
  const network = new Network();
  const from = network.stem();
  const weight = network.weight([channels, channels, 3, 3]);
  const large = network.node('Add', [network.conv(from, weight), network.scalar(1000)]);
  const fragile = network.node('Sub', [
    network.node('AveragePool', [large], { kernel_shape: { ints: [1, 1] } }),
    network.scalar(1000),
  ]);
  network.node('Mul', [fragile, network.scalar(0.001)], {}, ['fragile']);
  network.head(from);
  return network.model({ outputs: ['fragile'] });
};

test('an output unknown to the module is reported separately, and the gate checks it', async (t) => {
  const model = withFragileOutput();
  const { code, stderr, folder } = await exportNetwork(model, ...(await asInt8()), '--report', 'r.html');
  t.is(code, 0, stderr);
  const { agreement } = JSON.parse(readFileSync(join(folder, 'r.json'), 'utf8')) as ExportReport;
  const of = (name: string) => Number(agreement!.outputs!.find((each) => each.name === name)!.sqnrDb);
  t.true(of('predictions/Softmax') > 15 && of('fragile') < 10, JSON.stringify(agreement));
  t.regex(readFileSync(join(folder, 'r.html'), 'utf8'), /Agreement of each output.*fragile/s);
  const gated = await exportNetwork(model, ...(await asInt8()), '--min_agreement', '12');
  t.is(gated.code, failures.AgreementTooLow.exitCode);
  t.regex(gated.stderr, /\(fragile: -?\d+\.\d dB\); the required minimum is 12 dB/);
  t.is(gated.scales, undefined, 'nothing was written');
});

test('the report counts the compared images, whatever the shape of the outputs', async (t) => {
  const network = new Network();
  const from = network.stem();
  network.node(
    'Reshape',
    [network.node('Transpose', [from], { perm: { ints: [0, 2, 3, 1] } }), network.integers(-1, channels)],
    {},
    ['anchors'],
  );
  network.head(from);
  const { folder } = await exportNetwork(
    network.model({ batch: 1, outputs: ['anchors'] }),
    ...(await asInt8()),
    ...['--report', 'r.html'],
  );
  const { agreement } = JSON.parse(readFileSync(join(folder, 'r.json'), 'utf8')) as ExportReport;
  t.true(agreement!.images > 0 && agreement!.images <= 32, `${agreement!.images} images`);
});

test('--require_int8 refuses an export that is mostly float before anything is written', async (t) => {
  const network = new Network();
  const from = network.stem();
  const weight = network.node('Mul', [
    network.weight([channels, channels, 3, 3]),
    network.node('ReduceMax', [from], { keepdims: { int: 0 } }),
  ]);
  network.head([1, 2, 3].reduce<string>((tensor) => network.conv(tensor, weight), from));
  const given = await asInt8();
  const warned = await exportNetwork(network.model(), ...given);
  t.is(warned.code, 0, warned.stderr);
  t.regex(
    warned.stderr,
    /WARNING.* 2 of 6 layers compute in int8, \d+ % of the arithmetic; in float: 3 have a weight that the graph computes, 1 are too narrow/,
  );
  const refused = await exportNetwork(network.model(), ...given, '--require_int8');
  t.is(refused.code, failures.Int8ShareTooLow.exitCode);
  t.is(refused.payload, undefined);
  t.is(refused.scales, undefined);
});
