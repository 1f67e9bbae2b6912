/**
 * `npm run screenshots`: the pictures of the docs. The page of all exports shows sample objects; the report is that of the last
 * `npm run demo`.
 */
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { type Browser, startBrowser } from '../browser/browser.ts';
import { servePage } from './in-browser.ts';
import { severalExports } from './sample.ts';

const root = join(import.meta.dirname, '../..');
const folder = join(root, 'docs/images');
const report = join(root, 'demo-output/report.html');

/** Few colours: the files are part of the repository. */
const save = async (browser: Browser, name: string, height: number): Promise<void> => {
  const path = join(folder, name);
  await sharp(await browser.screenshot(height))
    .png({ palette: true, colours: 64, effort: 10 })
    .toFile(path);
  console.log(`${path}: ${statSync(path).size} bytes`);
};

mkdirSync(folder, { recursive: true });
/** The photos of the demo show people, so the picture in the README is without them. */
const withoutPhotos = "document.getElementById('inputs').closest('section').remove()";

const browser = await startBrowser();
const { server, url } = await servePage(severalExports());
try {
  await browser.open(url, 'light');
  await save(browser, 'exports-page.png', 700);
  if (existsSync(report)) {
    await browser.open(pathToFileURL(report).href, 'light');
    await browser.evaluate(withoutPhotos);
    await save(browser, 'report.png', 1305);
  } else console.log(`${report} does not exist: run npm run demo for a picture of the report`);
} finally {
  await server.close();
  await browser.close();
}
