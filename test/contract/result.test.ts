/** A termination message comes back as the result that it was, and any other text as none. */
import test from 'ava';
import fc from 'fast-check';
import { encodeResult, parseResult, type Result } from '../../src/ground/contract/result.ts';
import { anyText } from '../builders/any-text.ts';

const failed = fc.record({
  kind: fc.constant('Failed' as const),
  reason: fc.constantFrom('WrongKey' as const, 'Internal' as const),
  message: anyText({ maxLength: 5000 }),
});

test('a failure of any length comes back with its reason, its message cut where it is too long', (t) => {
  fc.assert(
    fc.property(failed, (result) => {
      const text = encodeResult(result);
      const back = parseResult(text) as Extract<Result, { kind: 'Failed' }>;
      const told = back.message.endsWith('…') ? back.message.slice(0, -1) : back.message;
      return (
        Buffer.byteLength(text) <= 2048 && back.reason === result.reason && result.message.startsWith(told)
      );
    }),
    { numRuns: 200 },
  );
  t.pass();
});

test('any other text is no result, and no crash', (t) => {
  const whole = encodeResult({ kind: 'Failed', reason: 'WrongKey', message: 'The key does not open it.' });
  const texts = fc.oneof(
    anyText(),
    fc.json(),
    fc.nat(whole.length - 1).map((length) => whole.slice(0, length)),
  );
  fc.assert(
    fc.property(texts, (text) => parseResult(text) === undefined),
    { numRuns: 500 },
  );
  t.pass();
});
