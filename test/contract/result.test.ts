/** Parsing a termination message gives the result that was written; other text is not a result. */
import test from 'ava';
import fc from 'fast-check';
import {
  type Exported,
  encodeResult,
  parseResult,
  type Result,
  reportedNodes,
} from '../../src/ground/contract/result.ts';
import { int8WarningLimit } from '../../src/ground/contract/result-schema.ts';
import { anyText } from '../builders/any-text.ts';

const failed = fc.record({
  kind: fc.constant('Failed' as const),
  reason: fc.constantFrom('WrongKey' as const, 'Internal' as const),
  message: anyText({ maxLength: 5000 }),
});

test('a failure of any length keeps its reason, and a long message is truncated', (t) => {
  fc.assert(
    fc.property(failed, (result) => {
      const text = encodeResult(result);
      const back = parseResult(text) as Extract<Result, { kind: 'Failed' }>;
      const kept = back.message.endsWith('…') ? back.message.slice(0, -1) : back.message;
      return (
        Buffer.byteLength(text) <= 2048 && back.reason === result.reason && result.message.startsWith(kept)
      );
    }),
    { numRuns: 200 },
  );
  t.pass();
});

test('any other text is not a result, and does not crash', (t) => {
  const whole = encodeResult({ kind: 'Failed', reason: 'WrongKey', message: 'The key does not open it.' });
  const texts = fc.oneof(
    anyText(),
    fc.json(),
    fc.nat(whole.length - 1).map((length) => whole.slice(0, length)),
  );
  fc.assert(
    fc.property(texts, (text) => parseResult(text).kind === 'Unusable'),
    { numRuns: 500 },
  );
  t.pass();
});

const digest = 'a'.repeat(64);
const int8 = { layers: '9'.repeat(32), arithmetic: '0.123456', warning: 'w'.repeat(int8WarningLimit) };
const stored = (file: string) => ({ file, sha256: digest, sizeBytes: Number.MAX_SAFE_INTEGER });
const largest = (nodes: Pick<Exported['etlt'], 'inputNode' | 'outputNodes'>): Exported => {
  const count = 2 ** 31 - 1;
  const counts = { tensors: count, batches: count, images: count };
  return {
    kind: 'Exported',
    etlt: { ...stored('model.etlt'), payloadDigest: 'b'.repeat(64), ...nodes },
    codecEtlt: stored('model.codec.etlt'),
    calibrationCache: { ...stored('calibration.cache'), algorithm: 'Percentile', ...counts, int8 },
    calibrationPass: { images: count, seconds: '999999999999.999' },
    distributions: stored('distributions.json'),
    verification: stored('verification.pb'),
    report: { file: 'report.json', pageFile: 'report.html' },
    inputs: { model: digest, spec: digest, images: digest, tensorfile: digest, trainingData: digest },
    reused: false,
  };
};

test('an export fits its message whatever its node names are: the first names that fit are kept', (t) => {
  const names = fc.array(anyText({ maxLength: 600 }), { maxLength: 80 });
  fc.assert(
    fc.property(anyText({ maxLength: 600 }), names, (input, outputs) => {
      const text = encodeResult(largest(reportedNodes(input, outputs)));
      const back = parseResult(text) as Exported;
      const fitting = outputs.filter((name) => [...name].length <= 512);
      return (
        Buffer.byteLength(text) <= 2048 &&
        back.kind === 'Exported' &&
        JSON.stringify(back.etlt.outputNodes) ===
          JSON.stringify(fitting.slice(0, back.etlt.outputNodes.length))
      );
    }),
    { numRuns: 200 },
  );
  t.is((parseResult(encodeResult(largest(reportedNodes('in', ['out'])))) as Exported).etlt.inputNode, 'in');
});

test('a result that status cannot contain is not reported', (t) => {
  const result = { ...largest({ outputNodes: [] }), report: { file: '../report.json' } };
  t.throws(() => encodeResult(result), { instanceOf: RangeError, message: /report\.file does not match/ });
});
