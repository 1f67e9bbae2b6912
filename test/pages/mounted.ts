/** What the commands of pages find in a pod: mounted claims, and object storage by TLS. */
import { copyFileSync, cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { storeExport } from '../builders/claim.ts';
import { buildFor } from '../builders/fleet.ts';
import { credentialsFolder } from '../builders/s3-store.ts';
import { aFolder } from '../builders/tool.ts';
import { makeCertificates } from '../storage/certificates.ts';
import { startS3Server } from '../storage/s3-server.ts';
import type { Block } from './blocks.ts';

/** Folders at the root of a pod. They are folders of the reader here: a test adds none to the root of the machine. */
const mountPoints = /(^|\s)\/(?=(?:claim|engines|mnt|models|run)\/)/gm;

/** The server of object storage, in every page. */
const storageAddress = /https:\/\/minio[\w.]*:9000/g;

/** The folder of the export that the pages show. */
const shownExport = '4be6d0c6bd2cb7a5';

type Mounts = (folder: string) => Promise<void>;

const mountModels: Mounts = async (folder) => {
  await storeExport(join(folder, 'mnt'), `exports/${shownExport}`);
  cpSync(credentialsFolder(), join(folder, 'keys'), { recursive: true });
  for (const name of ['copies', 'engines']) mkdirSync(join(folder, name));
};

/** Engines of two GPUs, each with its description. */
const mountEngines: Mounts = async (folder) => {
  const engines = join(folder, 'claim/exports', shownExport, 'engines');
  mkdirSync(join(folder, 'models'));
  for (const [gpu, key] of [
    ['t4', '5f0c2d7e91ab3c46'],
    ['a10', '90d1b2c3a4e5f607'],
  ] as const) {
    mkdirSync(join(engines, gpu, key), { recursive: true });
    await buildFor(gpu, join(engines, gpu, key), 'model.engine');
  }
};

const mountServing: Mounts = async (folder) => {
  mkdirSync(join(folder, 'engines'));
  cpSync(credentialsFolder(), join(folder, 'run/secrets/bucket'), { recursive: true });
};

const pages: Readonly<Record<string, Mounts>> = {
  'docs/deepstream-and-triton.md': mountEngines,
  'docs/reference/tlt-model.md': mountModels,
  'docs/serving.md': mountServing,
};

/** Object storage with one export, whose certificate is signed by `authority`. */
export const startStorage = async () => {
  const { authority, tls } = await makeCertificates('127.0.0.1');
  const { url, at, stop } = await startS3Server({ buckets: ['exports'], tls });
  const root = aFolder();
  await storeExport(root, shownExport);
  for (const name of [shownExport, `classifier/${shownExport}`])
    cpSync(join(root, 'models', shownExport), at('exports', name), { recursive: true });
  return { authority, url, stop };
};

export type Storage = Awaited<ReturnType<typeof startStorage>>;

/** Puts what a pod of the page mounts below the folder. Returns what gives a block the places of this test. */
export const mount = async (
  folder: string,
  page: string,
  { authority, url }: Storage,
): Promise<(block: Block) => Block> => {
  await pages[page]?.(folder);
  mkdirSync(join(folder, 'run/config'), { recursive: true });
  copyFileSync(authority, join(folder, 'run/config/ca.crt'));
  return (block) => ({
    ...block,
    text: block.text.replaceAll(mountPoints, '$1').replaceAll(storageAddress, url),
  });
};
