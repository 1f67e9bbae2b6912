/** The page as the response to a request. */
import { sha256 } from '../../ground/base/digest.ts';
import type { PageHandler } from '../runtime/probes.ts';
import { parseQuery } from './filter.ts';
import { exportsPage, type PageSource } from './page.ts';
import { style } from './style.ts';

const styleDigest = Buffer.from(sha256(style), 'hex').toString('base64');

/** Nothing is loaded or run, whatever the names of objects contain; the form leads to the page itself. */
const headers = {
  'content-security-policy': `default-src 'none'; style-src 'sha256-${styleDigest}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
} as const;

/** Renders the page from the caches at each request. */
export const makeExportsPage =
  (read: () => PageSource): PageHandler =>
  async ({ url = '' }) => ({
    status: 200,
    type: 'text/html; charset=utf-8',
    headers,
    body: exportsPage(read(), parseQuery(url)),
  });
