/** Which blocks of the sources have run in this process, as V8 counts them: what guides the choice of inputs. */
import { Session } from 'node:inspector';

export type Coverage = {
  /** Blocks of `src/` that have run since the last call and never before. */
  readonly fresh: () => readonly string[];
  /** All blocks of `src/` that have run since the last call. */
  readonly ran: () => readonly string[];
  readonly stop: () => void;
};

type Range = { readonly startOffset: number; readonly count: number };
type Script = { readonly url: string; readonly functions: readonly { readonly ranges: readonly Range[] }[] };

/** V8 calls back before `post` returns, for the session is of the same thread. */
const asked = <T>(session: Session, method: string, params: object = {}): T => {
  let answer: unknown;
  session.post(method, params, (error: Error | null, result: unknown) => {
    if (error) throw error;
    answer = result;
  });
  return answer as T;
};

export const startCoverage = (): Coverage => {
  const session = new Session();
  session.connect();
  asked(session, 'Profiler.enable');
  asked(session, 'Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  const seen = new Set<string>();
  const ran = (): readonly string[] => {
    const { result } = asked<{ result: readonly Script[] }>(session, 'Profiler.takePreciseCoverage');
    return result.filter(({ url }) => url.includes('/src/')).flatMap(blocksOf);
  };
  const fresh = (): readonly string[] => {
    const unseen = ran().filter((block) => !seen.has(block));
    for (const block of unseen) seen.add(block);
    return unseen;
  };
  return { fresh, ran, stop: () => session.disconnect() };
};

const blocksOf = ({ url, functions }: Script): string[] =>
  functions.flatMap(({ ranges }) =>
    ranges.filter(({ count }) => count > 0).map(({ startOffset }) => `${url}:${startOffset}`),
  );
