// The documentation as pages: made as `npm run docs:build` makes them, their links followed, and served as the platform serves them.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { buildDocs } from '../../infra/docs/build.js';
import type { Page } from '../../infra/docs/page-set.js';
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
    expect(pages.map(({ name }) => name)).to.include.members(['index', 'readme', 'rules', 'rest', 'grpc']);
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

  it('hold nothing that the strictest policy would stop: no script, no style within', () => {
    for (const { name } of pages) expect(html(name), name).to.not.match(/<script|<style|\sstyle="|\son\w+="|javascript:/i);
  });

  it('tell every public route and method with what it takes', () => {
    expect(html('rest')).to.match(/<h2 id="post-features"[^]*cart|<code>entity_id<\/code>/);
    for (const path of ['GET /features', 'POST /features/offline', 'POST /api/v1/log', 'POST /api/v1/commit', 'GET /query-runs/{id}'])
      expect(html('rest')).to.include(`<code>${path}</code>`);
    for (const text of [
      'One entity. Scope: read.',
      'QueryOfflineRequest',
      'Waits until the records behind this token are applied (S21).',
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
      [`/docs/images/${readdirSync(join(folder, 'docs', 'images'))[0] ?? ''}`, 'image/png'],
    ] as const) {
      const response = await fetch(url + path);
      expect([response.status, response.headers.get('content-type')], path).to.deep.equal([200, type]);
      expect(response.headers.get('content-security-policy')).to.match(/^default-src 'none'; style-src 'self'; img-src 'self' data:;/);
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
