/** A headless Chromium, driven by the DevTools protocol, that records requests and console messages. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export type Browser = {
  /** Opens the address with this colour scheme, and resolves when it has loaded. */
  readonly open: (url: string, colours: 'light' | 'dark') => Promise<void>;
  /** Evaluates an expression in the page, and awaits a promise; the value must be JSON. */
  readonly evaluate: (expression: string) => Promise<unknown>;
  /** A PNG of the upper part of the page, this many pixels high, or of what fits into the window. */
  readonly screenshot: (height?: number) => Promise<Buffer>;
  /** Presses a key in the focused element. */
  readonly press: (key: string) => Promise<void>;
  /** Requested addresses since the start, except data: images. */
  readonly requests: readonly string[];
  /** Console messages, policy violations and exceptions. */
  readonly complaints: readonly string[];
  readonly close: () => Promise<void>;
};

type Message = {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
};

/** Of the window, in pixels. */
const width = 1400;

export const startBrowser = async (): Promise<Browser> => {
  const profile = mkdtempSync(join(tmpdir(), 'tlt-browser-'));
  const flags = [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--no-first-run',
    '--hide-scrollbars',
    `--window-size=${width},1500`,
  ];
  const child = spawn(
    'chromium',
    [...flags, `--user-data-dir=${profile}`, '--remote-debugging-port=0', 'about:blank'],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const socket = await pageSocket(await debuggingPort(child));
  const [requests, complaints]: [string[], string[]] = [[], []];
  const wire = wireOf(socket, (message) => note(message, requests, complaints));
  for (const domain of ['Page', 'Network', 'Runtime', 'Log']) await wire.send(`${domain}.enable`);
  return {
    requests,
    complaints,
    open: async (url, colours) => {
      const features = [{ name: 'prefers-color-scheme', value: colours }];
      await wire.send('Emulation.setEmulatedMedia', { features });
      const loaded = wire.next('Page.loadEventFired');
      await wire.send('Page.navigate', { url });
      await loaded;
    },
    evaluate: async (expression) => {
      const how = { returnByValue: true, awaitPromise: true };
      const { result } = await wire.send('Runtime.evaluate', { expression, ...how });
      return (result as { value?: unknown }).value;
    },
    screenshot: async (height) => {
      const clip = height !== undefined && {
        captureBeyondViewport: true,
        clip: { x: 0, y: 0, width, height, scale: 1 },
      };
      const { data } = await wire.send('Page.captureScreenshot', { format: 'png', ...clip });
      return Buffer.from(data as string, 'base64');
    },
    press: async (key) => {
      const press = { key, code: key, windowsVirtualKeyCode: 13, text: '\r' };
      await wire.send('Input.dispatchKeyEvent', { type: 'keyDown', ...press });
      await wire.send('Input.dispatchKeyEvent', { type: 'keyUp', ...press });
    },
    close: async () => {
      const ended = new Promise((resolve) => child.once('close', resolve));
      void wire.send('Browser.close'); // The socket may close before the response arrives.
      await ended;
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
};

/** Reads the port from Chromium's first lines. */
const debuggingPort = async (child: ChildProcess): Promise<string> => {
  for await (const line of createInterface({ input: child.stderr! })) {
    const port = /^DevTools listening on ws:\/\/[^:]+:(\d+)\//.exec(line)?.[1];
    if (port !== undefined) {
      child.stderr!.resume();
      return port;
    }
  }
  throw new Error('chromium ended before it listened');
};

const pageSocket = async (port: string): Promise<WebSocket> => {
  const targets = (await (await fetch(`http://127.0.0.1:${port}/json`)).json()) as {
    type: string;
    webSocketDebuggerUrl: string;
  }[];
  const socket = new WebSocket(targets.find(({ type }) => type === 'page')!.webSocketDebuggerUrl);
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = reject;
  });
  return socket;
};

const wireOf = (socket: WebSocket, noted: (message: Message) => void) => {
  let last = 0;
  const waiting = new Map<number | string, (message: Message) => void>();
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(String(data)) as Message;
    noted(message);
    const name = message.id ?? message.method!;
    waiting.get(name)?.(message);
    waiting.delete(name);
  };
  const next = (name: number | string) => new Promise<Message>((resolve) => waiting.set(name, resolve));
  const send = async (method: string, params: object = {}): Promise<Record<string, unknown>> => {
    const id = ++last;
    const answer = next(id);
    socket.send(JSON.stringify({ id, method, params }));
    const { result, error } = await answer;
    if (error) throw new Error(`${method}: ${error.message}`);
    return result!;
  };
  return { send, next };
};

const note = ({ method, params }: Message, requests: string[], complaints: string[]): void => {
  if (method === 'Network.requestWillBeSent') {
    const { url } = params!.request as { url: string };
    if (!url.startsWith('data:')) requests.push(url);
  }
  if (method === 'Log.entryAdded' || method === 'Runtime.exceptionThrown')
    complaints.push(JSON.stringify(params));
  if (method === 'Runtime.consoleAPICalled') complaints.push(JSON.stringify(params));
};
