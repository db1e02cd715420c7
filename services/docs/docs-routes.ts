// The documentation, as `npm run docs:build` wrote it: pages and the script of their search, under /docs of every gateway.
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { notFound } from '../../libs/errors/errors.js';
import { HttpError } from '../../libs/rest/http-error.js';
import type { RestResponse, Route } from '../../libs/rest/route.js';

/**
 * What may run is the search, whose index is a script too: so no page can ask this server for anything, and whatever came to run in one
 * would have no way to what the console may read.
 */
const HEADERS = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html', '.css': 'text/css', '.js': 'text/javascript', '.png': 'image/png' };

/** Beside the compiled program in a package, in dist/ of a checkout. */
const FOLDERS = ['../../docs', '../../dist/docs'].map((path) => fileURLToPath(new URL(path, import.meta.url)));

type Files = ReadonlyMap<string, Buffer>;

/** The pages and their images. They are public, since they are the same for everybody; read when the first is asked for. */
export function docsRoutes(folders: readonly string[] = FOLDERS): readonly Route[] {
  let read: Promise<Files> | undefined;
  const files = (): Promise<Files> => {
    const folder = folders.find((one) => existsSync(join(one, 'index.html')));
    if (folder === undefined) throw new HttpError(404, 'the documentation is not built here: run `npm run docs:build`, or read docs/');
    return (read ??= readAll(folder));
  };
  const route = (path: string, types: readonly string[], nameOf: (parameters: ReadonlyMap<string, string>) => string): Route => ({
    method: 'GET',
    path,
    scope: 'public',
    summary: 'A page of the documentation.',
    answers: Object.fromEntries(types.map((type) => [type, { type: 'string' }])),
    handle: async ({ pathParameters }) => answerOf(await files(), nameOf(pathParameters)),
  });
  return [
    route('/docs', ['text/html'], () => 'index.html'),
    route('/docs/{page}', ['text/html', 'text/css', 'text/javascript'], (parameters) => parameters.get('page') ?? ''),
    route('/docs/images/{image}', ['image/png'], (parameters) => `images/${parameters.get('image') ?? ''}`),
  ];
}

function answerOf(files: Files, name: string): RestResponse {
  const body = files.get(name);
  if (body === undefined) throw notFound('page of the documentation', name, files.keys());
  const type = TYPES[extname(name)] ?? '';
  return { status: 200, headers: { 'content-type': type.startsWith('text/') ? `${type}; charset=utf-8` : type, ...HEADERS }, body };
}

/** By their paths in the folder. A request names one of these, and never a path. */
async function readAll(folder: string): Promise<Files> {
  const entries = await readdir(folder, { recursive: true });
  const names = entries.filter((name) => extname(name) in TYPES);
  return new Map(await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name))] as const)));
}
