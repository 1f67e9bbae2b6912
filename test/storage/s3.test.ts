/** Artifacts in a real S3 server, through a proxy that does what networks and busy servers do. */
import { randomBytes } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { mock } from 'node:test';
import test from 'ava';
import { patientRetries } from '../../src/adapters/storage/s3/retry.ts';
import { partsFrom } from '../../src/adapters/storage/s3/staging.ts';
import { sha256 } from '../../src/ground/base/digest.ts';
import { UserError } from '../../src/ground/base/errors.ts';
import { anS3Store } from '../builders/s3-store.ts';
import { type S3Fault, type S3Proxy, startS3Proxy } from './s3-proxy.ts';
import { type S3Server, startS3Server } from './s3-server.ts';

const { signal } = new AbortController();
let server: S3Server;
let proxy: S3Proxy;

test.before(async () => {
  server = await startS3Server({ buckets: ['models', 'exports'] });
  proxy = await startS3Proxy(server.url);
});
test.after.always(async () => {
  await proxy?.close();
  await server?.stop();
});
test.beforeEach(() => {
  proxy.fault = () => 'pass';
  proxy.seen.length = 0;
});

const aStore = (options: Partial<Parameters<typeof anS3Store>[0]> = {}) =>
  anS3Store({ url: proxy.url, ...options });

/** Faults in order, for requests that match; then all pass. */
const inOrder = (matches: RegExp, ...faults: readonly S3Fault[]): void => {
  const left = [...faults];
  proxy.fault = ({ method, path }) => (matches.test(`${method} ${path}`) ? (left.shift() ?? 'pass') : 'pass');
};

let counter = 0;
/** A new object with random content. */
const anObject = async (sizeBytes: number) => {
  const content = randomBytes(sizeBytes);
  const uri = `s3://models/objects/${++counter}.bin`;
  await anS3Store({ url: server.url }).put(uri, content, signal);
  return { uri, content, path: `/models/objects/${counter}.bin` };
};

const reasonOf = async (work: Promise<unknown>): Promise<string> => {
  const thrown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  return thrown instanceof UserError
    ? `${thrown.reason}: ${thrown.message}`
    : `no UserError: ${String(thrown)}`;
};

const serial = test.serial;

serial('an object is written once, read whole, listed, and removed', async (t) => {
  const store = aStore();
  const uri = 's3://exports/a/b/manifest.json';
  t.true(await store.create(uri, Buffer.from('one'), signal));
  t.false(await store.create(uri, Buffer.from('two'), signal), 'the name is taken');
  t.is(readFileSync(await store.fetch(uri, signal), 'utf8'), 'one');
  t.true(await store.hasContent(uri, { sha256: sha256('one'), sizeBytes: 3 }, signal));
  t.false(await store.hasContent(uri, { sha256: sha256('two'), sizeBytes: 3 }, signal));
  await store.put('s3://exports/a/file', Buffer.from('three'), signal);
  await store.put('s3://exports/a/file', Buffer.from('four'), signal);
  t.is(Buffer.from((await store.read('s3://exports/a/file', 'fileBytes', signal))!).toString(), 'four');
  t.deepEqual([...(await store.list('s3://exports/a', signal))].sort(), ['b', 'file']);
  await store.remove('s3://exports/a/file', signal);
  t.deepEqual(await store.list('s3://exports/a', signal), ['b']);
  t.is(await store.read('s3://exports/a/file', 'fileBytes', signal), undefined);
  t.deepEqual(await store.list('s3://exports/absent', signal), []);
});

serial(
  'a read that is cut or stalls continues where it stopped, and does not ask for a byte twice',
  async (t) => {
    const { uri, content } = await anObject(3_000_000);
    const ranges: (string | undefined)[] = [];
    const faults: S3Fault[] = [
      { cutAt: 1_000_000 },
      { stallAt: 500_000 },
      'cut before',
      { status: 503, code: 'SlowDown' },
    ];
    proxy.fault = ({ range }) => {
      ranges.push(range);
      return faults.shift() ?? 'pass';
    };
    t.is(sha256(readFileSync(await aStore().fetch(uri, signal))), sha256(content));
    t.is(ranges[0], undefined);
    const starts = ranges.slice(1).map((range) => Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1]));
    t.true(starts[0]! > 0 && starts[0]! <= 1_000_000, `${starts}`);
    t.true(starts[1]! > starts[0]! && starts[1]! <= 1_500_000, `${starts}`);
    t.deepEqual(starts.slice(2), [starts[1], starts[1]], 'refused tries ask for the same rest');
  },
);

serial(
  'a damaged byte is noticed and the object is read again; damage that stays is a transient failure',
  async (t) => {
    const { uri, content, path } = await anObject(200_000);
    inOrder(new RegExp(`GET ${path}`), { damageAt: 100_000 });
    t.deepEqual(readFileSync(await aStore().fetch(uri, signal)), content);
    proxy.fault = ({ method }) => (method === 'GET' ? { damageAt: 5 } : 'pass');
    t.regex(
      await reasonOf(aStore().fetch(uri, signal)),
      /^StorageUnavailable: Reading s3:.*another checksum.*3 times/,
    );
  },
);

serial(
  'an upload that arrives damaged is refused by the server and sent again, whole or in parts',
  async (t) => {
    const store = aStore();
    inOrder(/^PUT/, 'damage request');
    t.true(await store.create('s3://exports/damaged/one', Buffer.from('content'), signal));
    t.is(readFileSync(server.at('exports/damaged/one'), 'utf8'), 'content');
    t.is(proxy.seen.filter((line) => line.startsWith('PUT')).length, 2);
    inOrder(/^PUT .*partNumber=2/, 'damage request');
    await using staging = store.stage('s3://exports/damaged', signal);
    const { sha256: digest } = await staging.make('large.bin', writeLarge);
    await staging.publish();
    t.is(await digestOnDisk(server.at('exports/damaged/large.bin')), digest);
  },
);

serial('an object that is replaced while it is read is read again from its start', async (t) => {
  const { uri } = await anObject(2_000_000);
  const other = Buffer.alloc(10, 'n');
  let isReplaced = false;
  proxy.fault = ({ method }) => {
    if (method !== 'GET' || isReplaced) return 'pass';
    isReplaced = true;
    return { cutAt: 1_000_000 };
  };
  const fetching = aStore({ tries: 8 }).fetch(uri, signal);
  await anS3Store({ url: server.url }).put(uri, other, signal);
  t.true(
    [10, 2_000_000].includes(readFileSync(await fetching).length),
    'one object or the other, never a mixture',
  );
});

serial(
  'busy and absent servers are tried again, and given up with a reason that is retried later',
  async (t) => {
    const { uri, content } = await anObject(10);
    inOrder(
      /./,
      { status: 503, code: 'SlowDown' },
      { status: 500, code: 'InternalError' },
      { status: 429, code: 'TooManyRequests' },
      'cut before',
    );
    t.deepEqual(readFileSync(await aStore().fetch(uri, signal)), content);
    proxy.fault = () => ({ status: 503, code: 'SlowDown' });
    t.regex(
      await reasonOf(aStore().fetch(uri, signal)),
      /^StorageUnavailable: Reading s3:.*status 503 \(SlowDown/,
    );
    const gone = anS3Store({ url: 'http://127.0.0.1:1' });
    t.regex(
      await reasonOf(gone.put('s3://exports/x', Buffer.from('x'), signal)),
      /^StorageUnavailable: Writing s3:.*did not answer \(ECONNREFUSED/,
    );
  },
);

/** Retries as pods have them, with a clock that counts their pauses; `random` is the same for all of them. */
const patientStore = (random: number) => {
  const waited = { ms: 0 };
  const clock = {
    sleep: async (ms: number) => {
      waited.ms += ms;
    },
  };
  return { waited, store: aStore({ retryPolicy: { ...patientRetries, clock, random: () => random } }) };
};

type Waiting = ReturnType<typeof patientStore>;

/** Each kind of request; the server is gone when it begins. */
const operations: Readonly<Record<string, (store: Waiting['store'], uri: string) => Promise<unknown>>> = {
  'reads an object': (store, uri) => store.fetch(uri, signal),
  'looks for an object': (store, uri) => store.hasContent(uri, { sha256: '', sizeBytes: 0 }, signal),
  'creates an object': (store, uri) => store.create(`${uri}.created`, Buffer.from('x'), signal),
  'replaces an object': (store, uri) => store.put(`${uri}.put`, Buffer.from('x'), signal),
  'lists a folder': (store) => store.list('s3://models/objects', signal),
  'removes an object': (store, uri) => store.remove(`${uri}.put`, signal),
  'begins a group': async (store, uri) => {
    await using staging = store.stage(`${uri}.group`, signal);
    await staging.make('small', (path) => writeFile(path, 'x'));
    await staging.publish();
  },
};

serial(
  'a server that is gone for a minute is waited for by every operation, and given up later',
  async (t) => {
    const { uri, content } = await anObject(10);
    for (const [title, operate] of Object.entries(operations)) {
      const { waited, store } = patientStore(0);
      proxy.fault = () => (waited.ms < 60_000 ? 'cut before' : 'pass');
      await t.notThrowsAsync(operate(store, uri), title);
      t.true(waited.ms >= 60_000 && waited.ms < 70_000, `${title}: ${waited.ms} ms`);
      t.regex(store.warnings.at(-1)!, /ECONNRESET\. Trying again in \d+ seconds/);
    }
    for (const random of [0, 1]) {
      const { waited, store } = patientStore(random);
      proxy.fault = () => 'cut before';
      t.regex(await reasonOf(store.fetch(uri, signal)), /^StorageUnavailable: .*did not answer/);
      t.true(waited.ms >= 90_000 && waited.ms < 125_000, `${waited.ms} ms`);
    }
    proxy.fault = () => 'pass';
    t.deepEqual(readFileSync(await aStore().fetch(uri, signal)), content);
  },
);

serial(
  'parts of a large file, their end and their removal outlive a minute without the server',
  async (t) => {
    const { waited, store } = patientStore(0);
    const since = new Map<RegExp, number>();
    const steps = [/^POST .*\?uploads/, /^PUT .*partNumber=2/, /^POST .*uploadId/, /^DELETE .*uploadId/];
    proxy.fault = ({ method, path }) => {
      const step = steps.find((each) => each.test(`${method} ${path}`));
      if (step === undefined) return 'pass';
      if (!since.has(step)) since.set(step, waited.ms);
      return waited.ms - since.get(step)! < 60_000 ? 'cut before' : 'pass';
    };
    for (const end of ['publish', 'drop']) {
      await using staging = store.stage(`s3://exports/patient/${end}`, signal);
      await staging.make('large.bin', writeLarge);
      if (end === 'publish') await staging.publish();
    }
    t.is(since.size, steps.length);
    t.true(waited.ms >= steps.length * 60_000, `${waited.ms} ms`);
    t.deepEqual(await store.list('s3://exports/patient', signal), ['publish']);
    t.deepEqual(uploadsIn('exports'), []);
  },
);

serial('the answer to HEAD has no body: its reason comes from a read of one byte', async (t) => {
  const { uri, content } = await anObject(10);
  const looking = (options: Parameters<typeof aStore>[0] = {}) =>
    reasonOf(aStore(options).read(uri, 'manifestBytes', signal));
  const secret = { accessKeyId: 'tester', secretAccessKey: 'hidden' };
  t.regex(await looking({ credentials: secret }), /^StorageDenied: Looking .*secret access key is wrong/);
  const refusals = [
    [{ status: 400, code: 'ExpiredToken' }, /^StorageUnavailable: .*have expired/],
    [{ status: 403, code: 'AccessDenied' }, /^StorageDenied: .*denied \(AccessDenied\)/],
    [{ status: 301, code: 'PermanentRedirect' }, /^StorageDenied: .*another region.*\(PermanentRedirect\)/],
    [{ status: 400, code: 'AuthorizationHeaderMalformed' }, /^StorageDenied: .*another region/],
    [{ status: 503, code: 'SlowDown' }, /^StorageUnavailable: .*overloaded or not ready \(status 503\)/],
  ] as const;
  for (const [fault, reason] of refusals) {
    proxy.fault = () => fault;
    t.regex(await looking(), reason);
  }
  const alone = [
    [400, /^StorageUnavailable: .*status 400\), as it does for expired credentials/],
    [403, /^StorageDenied: .*denied \(status 403\)/],
    [301, /^StorageDenied: .*another region.*\(status 301\)/],
  ] as const;
  for (const [status, reason] of alone) {
    proxy.fault = ({ method }) => (method === 'HEAD' ? { status, code: 'unsaid' } : 'pass');
    t.regex(await looking(), reason, 'HEAD alone is refused');
  }
  proxy.fault = ({ method }) => (method === 'HEAD' ? { status: 404, code: 'unsaid' } : 'pass');
  t.is(await aStore().read(uri, 'manifestBytes', signal), undefined);
  proxy.fault = () => 'pass';
  mock.timers.enable({ apis: ['Date'], now: Date.now() + 3_600_000 });
  try {
    const read = await aStore().read(uri, 'manifestBytes', signal);
    t.deepEqual(Buffer.from(read!), content, 'a clock that is an hour off');
  } finally {
    mock.timers.reset();
  }
});

serial(
  'the size of an object is known before it is read: a larger one, or one without a size, is refused',
  async (t) => {
    const { uri } = await anObject(300_000);
    let bodies = 0;
    proxy.fault = ({ method }) => {
      if (method === 'GET') bodies++;
      return method === 'GET' ? { stallAt: 70_000 } : 'pass';
    };
    t.regex(
      await reasonOf(aStore().read(uri, 'manifestBytes', signal)),
      /^InputNotFound: Reading s3:.*it has 300,000 bytes, and at most 262,144 are accepted\. Check what wrote/,
    );
    t.is(bodies, 1, 'refused by its size: the body that stalls is not waited for');
    proxy.fault = ({ method }) => (method === 'GET' ? 'no length' : 'pass');
    t.regex(await reasonOf(aStore().fetch(uri, signal)), /^StorageUnavailable: .*no Content-Length/);
  },
);

serial(
  'wrong, missing, forbidden and expired credentials have their reasons, without the credentials in them',
  async (t) => {
    const wrongId = aStore({ credentials: { accessKeyId: 'nobody', secretAccessKey: 'hidden' } });
    t.regex(
      await reasonOf(wrongId.fetch('s3://models/x', signal)),
      /^StorageDenied: .*does not know the access key/,
    );
    const wrongSecret = aStore({ credentials: { accessKeyId: 'tester', secretAccessKey: 'hidden' } });
    const refused = await reasonOf(wrongSecret.put('s3://exports/x', Buffer.from('x'), signal));
    t.regex(refused, /^StorageDenied: .*secret access key is wrong/);
    t.false(refused.includes('hidden'));
    const none = aStore({ credentials: { accessKeyId: '', secretAccessKey: '' } });
    t.regex(await reasonOf(none.fetch('s3://models/x', signal)), /^StorageDenied: .*AWS_ACCESS_KEY_ID/);
    proxy.fault = () => ({ status: 400, code: 'ExpiredToken' });
    t.regex(await reasonOf(aStore().fetch('s3://models/x', signal)), /^StorageUnavailable: .*have expired/);
    proxy.fault = () => ({ status: 403, code: 'AccessDenied' });
    t.regex(
      await reasonOf(aStore().put('s3://exports/x', Buffer.from('x'), signal)),
      /^StorageDenied: .*Allow writing it/,
    );
  },
);

serial('a missing bucket, a missing object and a full bucket have their reasons', async (t) => {
  t.regex(
    await reasonOf(aStore().fetch('s3://absent/x', signal)),
    /^InputNotFound: .*bucket absent does not exist/,
  );
  t.regex(
    await reasonOf(aStore().fetch('s3://models/absent', signal)),
    /^InputNotFound: Reading s3:\/\/models\/absent: it does not exist/,
  );
  t.regex(
    await reasonOf(aStore().put('s3://absent/x', Buffer.from('x'), signal)),
    /^OutputUnwritable: .*bucket absent does not exist/,
  );
  proxy.fault = ({ method }) => (method === 'PUT' ? { status: 403, code: 'QuotaExceeded' } : 'pass');
  t.regex(
    await reasonOf(aStore().put('s3://exports/x', Buffer.from('x'), signal)),
    /^DiskFull: .*bucket exports is full/,
  );
  t.regex(await reasonOf(aStore().fetch('s3://models/a//b', signal)), /^InputNotFound: .*not of the form/);
});

serial('a clock that is an hour off signs again with the time of the server', async (t) => {
  const { uri, content } = await anObject(10);
  mock.timers.enable({ apis: ['Date'], now: Date.now() + 3_600_000 });
  try {
    const store = aStore();
    t.deepEqual(readFileSync(await store.fetch(uri, signal)), content);
    t.true(await store.create(`${uri}.new`, content, signal));
  } finally {
    mock.timers.reset();
  }
  t.deepEqual(
    proxy.seen.filter((line) => line.startsWith('GET')).length,
    2,
    'one refused read, one that succeeds',
  );
});

serial(
  'of ten writers of one name one creates it; a writer whose answer is lost knows its own object',
  async (t) => {
    const uri = 's3://exports/race/manifest.json';
    const outcomes = await Promise.all(
      Array.from({ length: 10 }, (_, n) => aStore({ tries: 12 }).create(uri, Buffer.from(`${n}`), signal)),
    );
    t.is(outcomes.filter(Boolean).length, 1);
    t.is(readFileSync(server.at('exports/race/manifest.json'), 'utf8'), `${outcomes.indexOf(true)}`);
    inOrder(/^PUT/, 'cut after');
    t.true(
      await aStore().create('s3://exports/race/lost.json', Buffer.from('x'), signal),
      'written, though its answer was lost',
    );
    inOrder(/^PUT/, 'cut before');
    t.false(
      await aStore().create('s3://exports/race/lost.json', Buffer.from('x'), signal),
      'equal bytes of another writer',
    );
  },
);

const aLargeFile = randomBytes(2 ** 20);
const largeBytes = partsFrom + 5 * 2 ** 20;

/** Writes a large file of known content without holding it. */
const writeLarge = async (path: string): Promise<void> => {
  await pipeline(
    async function* () {
      for (let n = 0; n < largeBytes / aLargeFile.length; n++) yield aLargeFile;
    },
    (await import('node:fs')).createWriteStream(path),
  );
};

const uploadsIn = (bucket: string): readonly string[] =>
  existsSync(server.at(bucket, '.sgwtmp/multipart'))
    ? readdirSync(server.at(bucket, '.sgwtmp/multipart'))
    : [];

const digestOnDisk = async (path: string): Promise<string> => {
  const { createHash } = await import('node:crypto');
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
};

serial(
  'staged files get their names together, large ones in parts; faults of the way there are fixed',
  async (t) => {
    const store = aStore();
    inOrder(
      /^(PUT|POST) .*uploadId/,
      'cut before',
      { status: 503, code: 'SlowDown' },
      'cut after',
      'pass',
      'pass',
      'cut after',
    );
    await using staging = store.stage('s3://exports/staged', signal);
    const large = await staging.make('large.bin', writeLarge);
    const small = await staging.make('small.txt', (path) => writeFile(path, 'small'));
    t.deepEqual(small, { sha256: sha256('small'), sizeBytes: 5 });
    t.is(large.sizeBytes, largeBytes);
    t.deepEqual(await store.list('s3://exports/staged', signal), [], 'no name before publish');
    await staging.publish();
    t.deepEqual(readdirSync(store.scratch), [], 'nothing is left in scratch space');
    t.deepEqual([...(await store.list('s3://exports/staged', signal))].sort(), ['large.bin', 'small.txt']);
    t.is(await digestOnDisk(server.at('exports/staged/large.bin')), large.sha256);
    t.true(await store.hasContent('s3://exports/staged/large.bin', large, signal));
    await staging.withdraw();
    t.deepEqual(await store.list('s3://exports/staged', signal), []);
  },
);

serial('a group that is not published, or finds a name taken, leaves no object and no upload', async (t) => {
  const store = aStore();
  {
    await using staging = store.stage('s3://exports/dropped', signal);
    await staging.make('large.bin', writeLarge);
    t.is(uploadsIn('exports').length, 1);
  }
  t.deepEqual(uploadsIn('exports'), []);
  const other = aStore();
  await using staging = store.stage('s3://exports/taken', signal);
  await staging.make('a.txt', (path) => writeFile(path, 'a'));
  await staging.make('b.txt', (path) => writeFile(path, 'b'));
  await staging.make('c.bin', writeLarge);
  t.true(await other.create('s3://exports/taken/b.txt', Buffer.from('theirs'), signal));
  t.regex(await reasonOf(staging.publish()), /^OutputExists: Writing s3:\/\/exports\/taken\/b\.txt/);
  t.deepEqual(await store.list('s3://exports/taken', signal), ['b.txt']);
  t.is(readFileSync(server.at('exports/taken/b.txt'), 'utf8'), 'theirs');
  t.regex(await reasonOf(staging.make('b.txt', (path) => writeFile(path, 'x'))), /^OutputExists/);
});

serial('uploads that a killed pod left are removed a day later', async (t) => {
  const abandoned = aStore().stage('s3://exports/abandoned', signal);
  await abandoned.make('large.bin', writeLarge);
  const makeOne = async (now: () => number): Promise<void> => {
    await using staging = aStore({ now }).stage('s3://exports/abandoned', signal);
    await staging.make('small.txt', (path) => writeFile(path, 'x'));
  };
  await makeOne(Date.now);
  t.is(uploadsIn('exports').length, 1, 'another pod may be at work');
  await makeOne(() => Date.now() + 25 * 60 * 60 * 1000);
  t.deepEqual(uploadsIn('exports'), []);
});

serial('what does not fit into scratch space is refused by name before it is fetched', async (t) => {
  const { uri, path } = await anObject(1_000_000);
  const store = aStore({ scratchBytes: 1_500_000 });
  const refused = await reasonOf(store.requireRoom([uri], signal));
  t.regex(
    refused,
    /^ScratchTooSmall: Fetching s3:.*\.bin \(1000000 bytes\): 2000000 bytes.*scratchSize to at least 2Mi/,
  );
  t.false(proxy.seen.includes(`GET ${path}`));
  await store.fetch(uri, signal);
  await store.fetch(uri, signal);
  const second = await anObject(600_000);
  t.regex(await reasonOf(store.fetch(second.uri, signal)), /^ScratchTooSmall/);
  t.is(readdirSync(store.scratch).length, 2, 'the refused object has no bytes on disk');
});

serial('a folder of 2,500 images is listed in pages of 1,000, and read one at a time', async (t) => {
  const folder = server.at('models/many');
  mkdirSync(dirname(`${folder}/x`), { recursive: true });
  for (let n = 0; n < 2500; n++) writeFileSync(`${folder}/${n}.jpg`, `${n}`);
  mkdirSync(`${folder}/below`);
  writeFileSync(`${folder}/below/x.jpg`, 'x');
  const stored = await aStore().openFolder('s3://models/many', signal);
  if (stored.kind !== 'Remote') return t.fail('not remote');
  const files = await stored.folder.list();
  t.is(files.length, 2500);
  t.is(proxy.seen.length, 3);
  t.deepEqual(
    files.find(({ name }) => name === '17.jpg'),
    { name: '17.jpg', sizeBytes: 2 },
  );
  t.is(Buffer.from(await stored.folder.read('2499.jpg')).toString(), '2499');
  const absent = await aStore().openFolder('s3://models/none', signal);
  if (absent.kind !== 'Remote') return t.fail('not remote');
  t.regex(await reasonOf(absent.folder.list()), /^InputNotFound: Listing s3:\/\/models\/none/);
});
