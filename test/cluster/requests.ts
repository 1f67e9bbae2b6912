/** Requests to an apiserver like those of kubectl, without a process for each. */
import https from 'node:https';

export type Request = {
  readonly method?: string;
  /** Sent as JSON. */
  readonly body?: object;
  /** The user that the administrator impersonates. */
  readonly as?: string;
};

/** Resolves with the body of the response; throws the message of the server for any other response. */
export type Ask = (path: string, request?: Request) => Promise<string>;

export type Server = { readonly url: string; readonly token: string; readonly ca: Buffer };

export const requestsTo = ({ url, token, ca }: Server): Ask => {
  const agent = new https.Agent({ keepAlive: true, ca });
  return async (path, { method = 'GET', body, as } = {}) => {
    const headers = {
      authorization: `Bearer ${token}`,
      accept: 'application/json',
      'content-type': 'application/json',
      ...(as !== undefined && { 'impersonate-user': as }),
    };
    const answer = await new Promise<Answer>((resolve, reject) => {
      const request = https.request(`${url}${path}`, { agent, method, headers }, (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', reject);
        const text = () => Buffer.concat(parts).toString();
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text: text() }));
      });
      request.on('error', reject);
      request.end(body && JSON.stringify(body));
    });
    if (answer.status >= 300)
      throw new Error(`${method} ${path}: ${answer.status} ${messageOf(answer.text)}`);
    return answer.text;
  };
};

type Answer = { readonly status: number; readonly text: string };

/** The message of a metav1.Status, or the text itself. */
const messageOf = (text: string): string => {
  try {
    return (JSON.parse(text) as { message?: string }).message ?? text;
  } catch {
    return text; // Not JSON: probes respond with text.
  }
};
