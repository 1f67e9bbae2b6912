/**
 * Parses the response of a watch: one JSON object per line. Parsing what nobody reads took most of the time, so its text is cut
 * out before.
 */

/** A metav1.WatchEvent. */
export type WatchEvent = {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: {
    readonly metadata?: { readonly resourceVersion?: string };
    readonly code?: number;
  } & object;
};

/**
 * A part of the text of an object that is left out: from the first of these texts to the next of the others, which stays. Each
 * has a quote that no backslash precedes, so neither is ever part of a string.
 */
export type UnreadText = { readonly from: string; readonly to: string };

/** Collects the parts of a response into lines, and parses each of them. @throws SyntaxError for a line that is not JSON */
export class EventLines {
  readonly #decoder = new TextDecoder();
  readonly #unread: UnreadText | undefined;
  #rest = '';

  constructor(unread?: UnreadText) {
    this.#unread = unread;
  }

  *take(part: Buffer): Iterable<WatchEvent> {
    const lines = (this.#rest + this.#decoder.decode(part, { stream: true })).split('\n');
    this.#rest = lines.pop()!;
    for (const line of lines) if (line !== '') yield parseEvent(line, this.#unread);
  }

  *end(): Iterable<WatchEvent> {
    if (this.#rest.trim() !== '') yield parseEvent(this.#rest, this.#unread);
  }
}

/** Cutting out more or less than whole members leaves brackets without their partners, which is no JSON. */
const parseEvent = (line: string, unread: UnreadText | undefined): WatchEvent => {
  try {
    return JSON.parse(dropText(dropManagedFields(line), unread)) as WatchEvent;
  } catch {
    return JSON.parse(line) as WatchEvent; // Not as the apiserver writes it.
  }
};

const dropText = (line: string, unread: UnreadText | undefined): string => {
  const start = unread === undefined ? -1 : line.indexOf(unread.from);
  const end = start === -1 ? -1 : line.indexOf(unread!.to, start);
  return end === -1 ? line : line.slice(0, start) + line.slice(end);
};

/**
 * Half of the text of a Job or pod is metadata.managedFields, which nobody reads and which takes almost half the time of parsing.
 * The apiserver writes it as the last member of the metadata of its own kinds, and before the name of custom resources. A quote
 * that does not follow a backslash begins or ends a string, so these texts are never part of one; and no value within
 * managedFields has a list.
 */
const dropManagedFields = (line: string): string => {
  const start = line.indexOf('"managedFields":[');
  if (start === -1) return line;
  const [last, end] = [line.indexOf(']},"spec":', start), line.indexOf('],"name":', start)];
  if (end !== -1 && (last === -1 || end < last)) return line.slice(0, start) + line.slice(end + 2);
  return last === -1 ? line : line.slice(0, start - 1) + line.slice(last + 1);
};
