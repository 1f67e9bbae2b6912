/** Links between the pages of this repository lead to files and headings that exist. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import test from 'ava';

const root = join(import.meta.dirname, '..', '..');
const pages = globSync(['*.md', '{docs,deploy,helm,src}/**/*.md'], { cwd: root }).sort();

const textOf = (page: string): string => readFileSync(join(root, page), 'utf8');

/** Anchors as forges make them: lower case, without punctuation, hyphens for spaces. */
const anchorsOf = (page: string): readonly string[] =>
  [...textOf(page).matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );

const linksOf = (page: string): readonly string[] =>
  [...textOf(page).matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link]) =>
    /^[a-z]+:/.test(link!) ? [] : [link!],
  );

const isBroken = (page: string, link: string): boolean => {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? page : normalize(join(dirname(page), path));
  if (!existsSync(join(root, target))) return true;
  return anchor !== undefined && target.endsWith('.md') && !anchorsOf(target).includes(anchor);
};

test('every link between pages leads somewhere', (t) => {
  const links = pages.flatMap((page) => linksOf(page).map((link) => ({ page, link })));
  t.true(links.length > 50);
  t.deepEqual(
    links.filter(({ page, link }) => isBroken(page, link)).map(({ page, link }) => `${page}: ${link}`),
    [],
  );
});
