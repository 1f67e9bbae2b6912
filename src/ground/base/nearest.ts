/** Suggests the closest known words for a typo. Own code, because it is smaller than a dependency. */

/** The closest of `words` within three edits (Levenshtein); undefined if there is none. */
export const suggestWord = (word: string, words: readonly string[]): string | undefined =>
  suggestWords(word, words)[0];

/** All of `words` within three edits (Levenshtein), the closest first. */
export const suggestWords = (word: string, words: readonly string[]): readonly string[] =>
  sortByDistance(word, words).filter((each) => editDistance(word, each) <= mostEdits);

const mostEdits = 3;

/** `words` sorted by edit distance to `word`; equal distances keep their order. */
export const sortByDistance = (word: string, words: readonly string[]): readonly string[] =>
  words
    .map((candidate) => ({ candidate, distance: editDistance(word, candidate) }))
    .sort((a, b) => a.distance - b.distance)
    .map(({ candidate }) => candidate);

/** Levenshtein distance. */
const editDistance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length]!;
};
