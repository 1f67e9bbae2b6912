/** Block coverage of the sources in this process, from V8. It guides the choice of inputs. */
import { Session } from 'node:inspector';

export type Coverage = {
  /** Returns the blocks of `src/` that ran since the last call for the first time. */
  readonly fresh: () => readonly string[];
  /** Returns all blocks of `src/` that ran since the last call. */
  readonly ran: () => readonly string[];
  readonly stop: () => void;
};

type Range = { readonly startOffset: number; readonly count: number };
type Script = { readonly url: string; readonly functions: readonly { readonly ranges: readonly Range[] }[] };

/** V8 calls back before `post` returns, because the session is on the same thread. */
const postSync = <T>(session: Session, method: string, params: object = {}): T => {
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
  postSync(session, 'Profiler.enable');
  postSync(session, 'Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  const seen = new Set<string>();
  const ran = (): readonly string[] => {
    const { result } = postSync<{ result: readonly Script[] }>(session, 'Profiler.takePreciseCoverage');
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
