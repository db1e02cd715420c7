import { once } from 'node:events';
import { connect } from 'node:net';
import { expect } from 'chai';
import { startEmbeddedPlatform, type EmbeddedPlatform } from '../../support/embedded-platform.js';

const DEADLINE_MS = 30_000;
const HEALTH = 'GET /health HTTP/1.1\r\nhost: 127.0.0.1\r\n';

/** What a proxy in front may take for the end of a request, and we for its middle, or the other way round. */
const AMBIGUOUS: Readonly<Record<string, string>> = {
  'a length and chunks': `${HEALTH}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
  'two lengths': `${HEALTH}content-length: 0\r\ncontent-length: 44\r\n\r\n`,
  'a length with a sign': `${HEALTH}content-length: +5\r\n\r\nhello`,
  'chunks that are not last': `${HEALTH}transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n`,
  'a header folded into the next line': `${HEALTH}x-folded: a\r\n transfer-encoding: chunked\r\n\r\n`,
  'a space before the colon': `${HEALTH}transfer-encoding : chunked\r\n\r\n`,
  'a bare line feed': 'GET /health HTTP/1.1\nhost: 127.0.0.1\n\n',
  'no host': 'GET /health HTTP/1.1\r\n\r\n',
};

describe('requests that can be read in two ways', () => {
  let platform: EmbeddedPlatform;

  before(async () => {
    platform = await startEmbeddedPlatform();
  });
  after(() => platform.stop());

  /** The statuses of all that is answered on one connection until the server closes it. */
  async function statusesOf(bytes: string): Promise<readonly string[]> {
    const { hostname, port } = new URL(platform.url);
    const socket = connect(Number(port), hostname);
    socket.setTimeout(DEADLINE_MS, () => socket.destroy(new Error('no answer')));
    let text = '';
    socket.setEncoding('latin1').on('data', (part: string) => (text += part));
    socket.end(bytes);
    await once(socket, 'close');
    return [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status = '']) => status);
  }

  for (const [name, bytes] of Object.entries(AMBIGUOUS))
    it(`${name}: refused once, and what comes behind is not answered`, async () => {
      expect(await statusesOf(`${bytes}${HEALTH}\r\n`)).to.deep.equal(['400']);
    });

  it('an absolute target reaches no other route and no other host', async () => {
    const request = 'GET http://evil.example/health HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n';
    expect(await statusesOf(request)).to.deep.equal(['404']);
  });
});
