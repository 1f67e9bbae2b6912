/** `kubectl modelexport explain`. */
import test from 'ava';
import { reasons } from '../../src/cluster/api/reasons.ts';
import { explainReason, formatExplanation } from '../../src/cluster/plugin/explain.ts';
import { plain } from '../../src/cluster/plugin/paint.ts';

test('a reason is explained by when it is set, its remedy and its exit code', (t) => {
  const { when, remedy } = reasons.EngineUnsupported;
  t.is(
    formatExplanation(explainReason('engineunsupported'), plain),
    `EngineUnsupported\n  When:   ${when}\n  Remedy: ${remedy}\n  Exit code of the tools: 41\n`,
  );
});

test('every reason is explained', (t) => {
  for (const reason of Object.keys(reasons)) t.is(explainReason(reason).reason, reason);
});

test('an unknown reason is refused with near matches', (t) => {
  t.throws(() => explainReason('NoMatchingNodes'), { message: /Near matches: NoMatchingNode\./ });
  t.throws(() => explainReason('secret'), { message: /Near matches: KeySecretMissing\./ });
  t.throws(() => explainReason('constructor'), { message: /no such reason\. Name/ });
});
