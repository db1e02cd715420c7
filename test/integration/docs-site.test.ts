// The documentation as pages: made as `npm run docs:build` makes them, their links followed, and served as the platform serves them.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import MiniSearch from 'minisearch';
import { buildDocs } from '../../infra/docs/build.js';
import type { Page } from '../../infra/docs/page-set.js';
import { SEARCH_OPTIONS, type Section } from '../../infra/docs/search/section.js';
import { sectionsOf } from '../../infra/docs/search-files.js';
import { ThymeError } from '../../libs/errors/errors.js';
import { toProblem } from '../../libs/rest/problem.js';
import { createRestServer, type RestServer } from '../../libs/rest/server.js';
import { createLogger } from '../../libs/telemetry/logger.js';
import { MetricsRegistry } from '../../libs/telemetry/metrics.js';
import { systemClock } from '../../libs/time/clock.js';
import { docsRoutes } from '../../services/docs/docs-routes.js';
import { authorizeByKeys } from '../support/test-keys.js';
import { trackedFiles } from '../tidy/source-files.js';

const ATTRIBUTE = / (href|src)="([^"]*)"/g;

describe('the documentation as pages', function () {
  this.timeout(120_000);
  const folder = mkdtempSync(join(tmpdir(), 'thyme-docs-'));
  let pages: readonly Page[];
  let server: RestServer;
  let url: string;

  before(async () => {
    pages = await buildDocs(join(folder, 'docs'));
    server = serve([join(folder, 'nothing'), join(folder, 'docs')]);
    await server.start();
    url = `http://127.0.0.1:${server.port}`;
  });
  after(async () => {
    await server.stop({ graceMs: 1_000 });
    rmSync(folder, { recursive: true, force: true });
  });

  function serve(folders: readonly string[]): RestServer {
    const logger = createLogger({ level: 'error', clock: systemClock, write: () => undefined });
    const routes = docsRoutes(folders);
    return createRestServer({
      host: '127.0.0.1',
      port: 0,
      authorize: authorizeByKeys([]),
      routes,
      logger,
      metrics: new MetricsRegistry(),
      clock: systemClock,
    });
  }

  const html = (name: string): string => readFileSync(join(folder, 'docs', `${name}.html`), 'utf8');

  it('are made of every document in docs/, and of the interfaces', () => {
    const documents = trackedFiles(['docs/*.md']);
    expect(pages.map(({ source }) => source)).to.include.members([...documents]);
    expect(pages.map(({ name }) => name)).to.include.members(['index', 'readme', 'rules', 'rest', 'grpc', 'typescript']);
  });

  it('lead to pages, headings and images that are there', () => {
    const wrong: string[] = [];
    let followed = 0;
    for (const { name } of pages) {
      for (const [, , target = ''] of html(name).matchAll(ATTRIBUTE)) {
        if (/^(https?:|mailto:|data:)/.test(target)) continue;
        followed++;
        const [path = '', anchor] = target.split('#');
        const file = path === '' ? `${name}.html` : path.replace(/^\/docs\//, '');
        const isThere = (path === '' || path.startsWith('/docs/')) && existsSync(join(folder, 'docs', file));
        if (!isThere || (anchor !== undefined && !html(file.replace('.html', '')).includes(`id="${anchor}"`)))
          wrong.push(`${name}: ${target}`);
      }
    }
    expect(followed).to.be.at.least(500);
    expect(wrong).to.deep.equal([]);
  });

  it('have the rules under the anchors that messages cite', () => {
    for (const rule of ['s1', 's19a', 's24', 's26']) expect(html('rules')).to.include(`id="${rule}"`);
  });

  it('lead from a rule that is cited to it, but not from a name like it, and from a problem of REST to its row', () => {
    const cites = html('concepts');
    expect(cites).to.match(/\(<a href="\/docs\/rules\.html#s2">S2<\/a>, <a href="\/docs\/rules\.html#s4">S4<\/a>\)/);
    expect(html('sources')).to.not.include('rules.html#s3"');
    for (const { name } of pages)
      expect(html(name).match(/<(?:code|pre|h\d)[^>]*>[^<]*<a href="\/docs\/rules/) ?? [], name).to.deep.equal([]);
    const codes = [...readFileSync('docs/errors.md', 'utf8').matchAll(/^\| `(THYME_\w+)`/gm)].map(([, code = '']) => code);
    expect(codes.filter((code) => !html('errors').includes(`<tr id="${code}">`))).to.deep.equal([]);
    const { headers } = toProblem(new ThymeError('THYME_NOT_FOUND', 'NOT_FOUND', 'no such thing'));
    const [, page = '', anchor = ''] = /^<\/docs\/(\w+)\.html#(\w+)>; rel="help"$/.exec(headers['link'] ?? '') ?? [];
    expect(html(page)).to.include(`id="${anchor}"`);
  });

  it('hold nothing that the strictest policy would stop: one script by its name, no script and no style within', () => {
    for (const { name } of pages) {
      const [script, ...more] = html(name).match(/<script[^]*?<\/script>/gi) ?? [];
      expect([script, more], name).to.deep.equal(['<script type="module" src="/docs/search.js"></script>', []]);
      expect(html(name), name).to.not.match(/<style|\sstyle="|\son\w+="|javascript:/i);
    }
  });

  it('are found by a search over every heading, whose script asks nothing and brings its licence', async () => {
    const script = readFileSync(join(folder, 'docs', 'search.js'), 'utf8');
    expect(script).to.not.match(/XMLHttpRequest|WebSocket|sendBeacon|innerHTML|\beval\(/);
    expect(script).to.match(/^\/\*! MiniSearch: [^]*Permission is hereby granted/);
    const made = readFileSync(join(folder, 'docs', 'search-index.js'), 'utf8').replace(/^export default ([^]*);\n$/, '$1');
    const index = MiniSearch.loadJSON<Section>(made, SEARCH_OPTIONS);
    const best = (asked: string): readonly string[] =>
      index
        .search(asked)
        .slice(0, 3)
        .map(({ id }) => String(id));
    expect(best('S24')).to.include('rules.html#s24');
    expect(best('THYME_NOT_READY').length, 'a code').to.be.at.least(1);
    expect(best('lateness')).to.include('concepts.html#lateness');
    expect(best('backup restor'), 'the beginning of a word').to.include('operating.html#backup-and-restore');
    expect(best('percentlie'), 'a slip').to.not.deep.equal([]);
    expect(best('zebra'), 'what no page says').to.deep.equal([]);
    const lost = pages.flatMap(sectionsOf).filter(({ id }) => {
      const [file = '', anchor] = id.split('#');
      return anchor !== undefined && !html(file.replace('.html', '')).includes(`id="${anchor}"`);
    });
    expect(
      lost.map(({ id }) => id),
      'each leads to a heading',
    ).to.deep.equal([]);
  });

  it('tell every public route and method with what it takes', () => {
    expect(html('rest')).to.match(/<h2 id="post-features"[^]*cart|<code>entity_id<\/code>/);
    for (const path of ['GET /features', 'POST /features/offline', 'POST /api/v1/log', 'POST /api/v1/commit', 'GET /query-runs/{id}'])
      expect(html('rest')).to.include(`<code>${path}</code>`);
    for (const text of [
      'One entity. Scope: read.',
      'QueryOfflineRequest',
      'Waits until the records behind this token are applied (<a href="/docs/rules.html#s21">S21</a>).',
      'map of ',
    ])
      expect(html('grpc')).to.include(text);
    expect(html('grpc')).to.not.include('ReplicationService');
  });

  it('are served with their types, and with a policy under which nothing runs', async () => {
    for (const [path, type] of [
      ['/docs', 'text/html; charset=utf-8'],
      ['/docs/rules.html', 'text/html; charset=utf-8'],
      ['/docs/style.css', 'text/css; charset=utf-8'],
      ['/docs/search.js', 'text/javascript; charset=utf-8'],
      ['/docs/search-index.js', 'text/javascript; charset=utf-8'],
      [`/docs/images/${readdirSync(join(folder, 'docs', 'images'))[0] ?? ''}`, 'image/png'],
    ] as const) {
      const response = await fetch(url + path);
      expect([response.status, response.headers.get('content-type')], path).to.deep.equal([200, type]);
      expect(response.headers.get('content-security-policy')).to.match(
        /^default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; base-uri 'none';/,
      );
      await response.arrayBuffer();
    }
    expect(await (await fetch(`${url}/docs`)).text()).to.equal(html('index'));
  });

  it('are found by their names alone', async () => {
    for (const path of [
      '/docs/rule.html',
      '/docs/..%2f..%2fpackage.json',
      '/docs/%2e%2e',
      '/docs/images/..%2frules.html',
      '/docs/images%2fx.png',
      '/docs/__proto__',
    ])
      expect((await fetch(url + path)).status, path).to.equal(404);
    expect(await (await fetch(`${url}/docs/rule.html`)).text()).to.include("did you mean 'rules.html'?");
    const unbuilt = serve([join(folder, 'nothing')]);
    await unbuilt.start();
    try {
      const answer = await fetch(`http://127.0.0.1:${unbuilt.port}/docs`);
      expect([answer.status, (await answer.text()).includes('npm run docs:build')]).to.deep.equal([404, true]);
    } finally {
      await unbuilt.stop({ graceMs: 1_000 });
    }
  });
});
