import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import { Processes, type ThymeProcess } from '../../support/processes.js';
import { post, request } from '../../support/http.js';

/** Code of an admin that would never return, or never stop to take memory, as the registry is sent it. */
const ENDLESS = 'while (true) {}';
const GREEDY = 'const kept = []; for (;;) kept.push(Buffer.alloc(1 << 24, 1));';

describe('bundles without end', () => {
  const processes = new Processes();
  let platform: ThymeProcess;
  let dataDir: string;

  before(async () => {
    dataDir = processes.subfolder('bundles');
    platform = await processes.serve(dataDir);
  });

  after(() => processes.end());

  function commit(code: string) {
    const key = join(dataDir, 'admin.key');
    const headers: Record<string, string> = existsSync(key) ? { authorization: `Bearer ${readFileSync(key, 'utf8').trim()}` } : {};
    const sha256 = createHash('sha256').update(code).digest('hex');
    return post(`${platform.restUrl}/api/v1/commit`, { definitions: {}, bundle: { sha256, code } }, headers);
  }

  for (const [name, code] of [
    ['an endless loop', ENDLESS],
    ['a list that grows', GREEDY],
  ] as const) {
    it(`${name} at the top level is refused, while health answers`, async () => {
      const refused = commit(code);
      const probes: number[] = [];
      let isOver = false;
      void refused.finally(() => (isOver = true));
      while (!isOver) {
        const startMs = performance.now();
        expect((await request(`${platform.restUrl}/health`)).status).to.equal(200);
        probes.push(performance.now() - startMs);
      }
      const { status, text } = await refused;
      const inTime = probes.filter((ms) => ms <= 250).length / probes.length;
      process.stdout.write(`      ${name}: ${probes.length} probes, ${(100 * inTime).toFixed(1)} % in time\n`);
      expect([status, text]).to.satisfy(([code, body]: [number, string]) => code === 400 && body.includes('THYME_BUNDLE_UNBOUNDED'), text);
      expect(inTime).to.be.at.least(0.99);
    });
  }

  it('goes on to commit what loads', async () => {
    const file = join(processes.folder, 'features.ts');
    writeFileSync(
      file,
      `import { dataset, field, key, t, timestamp } from 'thyme';
@dataset({ version: 1 }) export class Order { @key(t.string) id!: string; @field(t.int) n!: number; @timestamp() at!: Date; }
`,
    );
    const { code, stderr } = await processes.run(['commit', file], { env: { THYME_API_URL: platform.restUrl, THYME_DATA_DIR: dataDir } });
    expect(code, stderr).to.equal(0);
  });
});
