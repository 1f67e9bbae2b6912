/** What a reader finds on the page of all exports. */
import { parseHTML } from 'linkedom';

export type PageParts = {
  readonly counts: readonly string[];
  readonly columns: readonly string[];
  readonly caption: string;
  /** Text of each cell, with one space between its parts. */
  readonly rows: readonly (readonly string[])[];
  /** Addresses of the links between pages. */
  readonly links: readonly string[];
};

const spaced = (element: Element): string =>
  element.innerHTML
    .replace(/<[^>]*>/g, ' ')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
    .replace(/\s+/g, ' ')
    .trim();

export const readPage = (text: string): PageParts => {
  const { document } = parseHTML(text);
  const all = (selector: string, inside: ParentNode = document) => [...inside.querySelectorAll(selector)];
  return {
    counts: all('.counts li').map(spaced),
    columns: all('thead th').map(({ textContent }) => textContent ?? ''),
    caption: document.querySelector('caption')?.textContent ?? '',
    rows: all('tbody tr').map((row) => all('th, td', row).map(spaced)),
    links: all('nav a').map((link) => link.getAttribute('href') ?? ''),
  };
};
