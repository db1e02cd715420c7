import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AddressInfo, Server } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from '../../infra/local/free-ports.js';

/** How long a server may take until it answers. */
const READY_DEADLINE_MS = 60_000;

/** A server of the test's own, on loopback, that speaks S3's protocol. */
export interface S3Server {
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  stop(): Promise<void>;
}

export interface S3ServerKind {
  readonly name: string;
  /** What to install, where it is not there. */
  readonly what: string;
  isThere(): boolean;
  start(): Promise<S3Server>;
}

const require = createRequire(import.meta.url);

/** In Python, by `pip install 'moto[server]'` in a venv of the cache folder: it also answers for STS. */
export const moto: S3ServerKind = {
  name: 'moto',
  what: "moto (python3 -m venv ~/.cache/thyme-tools/moto && ~/.cache/thyme-tools/moto/bin/pip install 'moto[server]==5.2.*')",
  isThere: () => existsSync(motoProgram()),
  async start() {
    const port = await freePort();
    const endpoint = `http://127.0.0.1:${port}`;
    const server = spawn(motoProgram(), ['-H', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' });
    const exited = new Promise((resolve) => server.once('exit', resolve));
    const deadline = Date.now() + READY_DEADLINE_MS;
    while (!(await answers(endpoint))) {
      if (server.exitCode !== null || Date.now() > deadline) throw new Error('moto does not answer');
      await pause(50);
    }
    return {
      endpoint,
      accessKeyId: 'key-of-a-test',
      secretAccessKey: 'secret-of-a-test',
      async stop() {
        server.kill();
        await exited;
      },
    };
  },
};

/** What this file needs of a package without types. */
interface S3rver {
  run(): Promise<AddressInfo>;
  close(): Promise<void>;
  readonly httpServer: Server & { closeAllConnections(): void };
}

/** An npm package: keys are files of a folder, listed as they lie there. */
export const s3rver: S3ServerKind = {
  name: 's3rver',
  what: 's3rver (npm install)',
  isThere: () => existsSync('node_modules/s3rver'),
  async start() {
    const Program = require('s3rver') as new (options: object) => S3rver; // its README's constructor
    const restore = replaceDes();
    const directory = mkdtempSync(join(tmpdir(), 'thyme-s3rver-'));
    const server = new Program({ address: '127.0.0.1', port: 0, silent: true, directory, vhostBuckets: false });
    const { port } = await server.run();
    return {
      endpoint: `http://127.0.0.1:${port}`,
      accessKeyId: 'S3RVER',
      secretAccessKey: 'S3RVER',
      async stop() {
        const closed = server.close();
        server.httpServer.closeAllConnections();
        await closed;
        restore();
        rmSync(directory, { recursive: true, force: true });
      },
    };
  },
};

/** With each page it gives a token of the next one, made by a cipher that OpenSSL 3 has no more. Nobody here reads the token. */
function replaceDes(): () => void {
  const crypto = require('node:crypto') as { createCipheriv: (name: string, key: Buffer, iv: Buffer) => unknown }; // as s3rver calls it
  const { createCipheriv } = crypto;
  crypto.createCipheriv = (name, key, iv) =>
    name === 'des' ? createCipheriv('aes-128-cbc', Buffer.alloc(16), Buffer.alloc(16)) : createCipheriv(name, key, iv);
  return () => (crypto.createCipheriv = createCipheriv);
}

function motoProgram(): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'thyme-tools/moto/bin/moto_server');
}

async function answers(endpoint: string): Promise<boolean> {
  return fetch(endpoint).then(
    () => true,
    () => false, // not yet
  );
}
