// What a commit takes away, and what came between a plan and its commit (S19): through the program, the wire and `thyme dev`.
import { create, toBinary } from '@bufbuild/protobuf';
import { expect } from 'chai';
import { CommitRequestSchema } from '../../../gen/thyme/v1/registry_pb.js';
import { readModule } from '../../../libs/cli/definition-module.js';
import { definitionsToProto } from '../../../libs/wire/definitions.js';
import { committer } from '../../../services/program/dev-command.js';
import { startEmbeddedPlatform, type EmbeddedPlatform } from '../../support/embedded-platform.js';
import { eventually } from '../../support/eventually.js';
import { request } from '../../support/http.js';
import { commit, commitFile } from '../../../libs/cli/commit-command.js';
import { entryOf, type Terminal } from '../../../libs/cli/command.js';
import { plan } from '../../../libs/cli/plan-command.js';
import { runCommand } from '../../../libs/cli/run-command.js';
import { CliFiles, countModule, type CliResult } from './cli-run.js';

const WITHOUT_FEATURES = countModule().replace(/@featureset[^]*/, '');
const ONLY_CLICKS = countModule().replace(/@dataset\(\{ version: 1, index[^]*/, '');

/** As a shell would, by who may commit. */
async function cliWithKey({ url, adminKey }: EmbeddedPlatform, ...called: readonly string[]): Promise<CliResult> {
  const args = [...called, '--no-typecheck']; // definitions.test.ts and types.test.ts look at types
  const [out, err]: [string[], string[]] = [[], []];
  const terminal: Terminal = { out: (line) => void out.push(line), err: (line) => void err.push(line), progress: () => undefined };
  const code = await runCommand([plan, commit].map(entryOf), args, { THYME_API_URL: url, THYME_API_KEY: adminKey }, terminal);
  return { code, out: out.join('\n'), err: err.join('\n') };
}

describe('what a commit removes (S19)', function () {
  this.timeout(120_000);
  const files = new CliFiles();
  let platform: EmbeddedPlatform;
  const run = (...args: readonly string[]): Promise<CliResult> => cliWithKey(platform, ...args);

  beforeEach(async () => {
    platform = await startEmbeddedPlatform();
    await run('commit', files.write('all.ts', countModule()));
  });
  afterEach(() => platform.stop());
  after(() => files.end());

  it('is listed, and nothing is committed where nobody can be asked', async () => {
    const refused = await run('commit', files.write('less.ts', ONLY_CLICKS));
    expect(refused.code).to.equal(1);
    expect(refused.err)
      .to.match(/^This commit removes:\n {2}- removed {2}Pages: .*\n {2}- removed {2}Pages\.count: .*\n {2}- removed {2}PageFeatures: /)
      .and.match(/Nothing was committed: .*--remove Pages --remove Pages\.count --remove PageFeatures, or --remove all$/);
    expect((await run('plan', files.path('all.ts'))).out).to.match(/Nothing would change: revision 1/);
  });

  it('is told with the features and extractors that it hits, and with who asked for them lately', async () => {
    const extra = `@feature(t.int, { id: 3 }) twice!: number;
  @extractor({ inputs: ['clicks'], outputs: ['twice'] })
  static doubled(_, { clicks }) { return { twice: 2 * clicks }; }
}
@featureset({ entity: 'page' })
export class Bare {
  @feature(t.string, { id: 1 }) page!: string;`;
    const module = (options: object): string => countModule({ extra, ...options }).replace('import {', 'import { extractor,');
    expect(await run('commit', files.write('hit.ts', module({})))).to.include({ code: 0 });
    const breaking = files.write('breaking.ts', module({ window: '2h' }));
    expect((await run('plan', breaking)).out).to.match(
      /^ {2}PageFeatures: features clicks, twice; extractors doubled; no query run is on record$/m,
    );
    const asked = async (): Promise<boolean> => {
      await platform.client.post('/features', { featureset: 'PageFeatures', entity_id: 'p' }).catch(() => undefined);
      return (await run('plan', breaking)).out.includes('of its newest query runs');
    };
    await eventually(asked, 'a query run is on record');
    const { code, out } = await run('plan', breaking, '--json');
    const [reach, ...more] = (JSON.parse(out) as { readonly reach: readonly Record<string, unknown>[] }).reach;
    expect([code, more]).to.deep.equal([1, []]);
    expect(reach).to.deep.include({ featureset: 'PageFeatures', features: ['clicks', 'twice'], extractors: ['doubled'] });
    expect((reach?.callers as readonly object[])[0])
      .to.include({ key_name: null })
      .and.have.all.keys('key_fingerprint', 'key_name', 'runs', 'last_at');
    expect((await run('plan', files.path('hit.ts'))).out, 'what adds or changes nothing hits nobody').to.not.include('is used by');
  });

  it('is named, a class for its members too, or all of it', async () => {
    const file = files.write('less.ts', ONLY_CLICKS);
    const half = await run('commit', file, '--remove', 'Pages');
    expect(half.err, 'the rest is asked about').to.match(
      /^This commit removes:\n {2}- removed {2}PageFeatures: [^\n]*\nWhat breaks or goes is used by:\n[^\n]*\nNothing/,
    );
    expect(await run('commit', file, '--remove', 'Pages', '--remove', 'PageFeatures')).to.include({ code: 0 });
    expect(await run('commit', files.path('all.ts'))).to.include({ code: 0 });
    expect(await run('commit', file, '--remove', 'all')).to.include({ code: 0 });
  });

  it('is asked about at a terminal', async () => {
    const asked: string[] = [];
    const answering = (answer: boolean) => ({
      ...platform.context,
      terminal: { ...platform.context.terminal, ask: async (question: string) => (asked.push(question), answer) },
    });
    const file = files.write('less.ts', WITHOUT_FEATURES);
    const refusal: unknown = await commitFile(file, answering(false)).catch((error: unknown) => error);
    expect(String(refusal)).to.match(/Nothing was committed/);
    await commitFile(file, answering(true));
    expect(asked).to.deep.equal(['Remove them?', 'Remove them?']);
    expect((await run('plan', file)).out).to.match(/Nothing would change: revision 2/);
  });

  it('is refused by the server where a request does not name it, over REST as over gRPC', async () => {
    const { definitions, bundle } = await readModule(files.write('less.ts', WITHOUT_FEATURES));
    const send = (removes: string[]) =>
      request(`${platform.url}/api/v1/commit`, {
        body: Uint8Array.from(
          toBinary(CommitRequestSchema, create(CommitRequestSchema, { definitions: definitionsToProto(definitions), bundle, removes })),
        ),
        headers: { 'content-type': 'application/protobuf', authorization: `Bearer ${platform.adminKey}` },
      });
    const refused = await send([]);
    expect([refused.status, JSON.parse(refused.text) as unknown]).to.have.nested.property('[0]', 409);
    expect(refused.text)
      .to.match(/THYME_REMOVAL_UNNAMED/)
      .and.match(/would remove PageFeatures/);
    expect((await send(['Page'])).status, 'a beginning of a name is no name').to.equal(409);
    expect((await send(['PageFeatures'])).status).to.equal(200);
  });

  it('one of six commits at once is taken, and five are told what came between', async () => {
    const six = Array.from({ length: 6 }, (_, i) =>
      files.write(
        `six${i}.ts`,
        `${countModule()}\n@dataset({ version: 1 }) export class Extra${i} { @key(t.string) k!: string; @timestamp() at!: Date; }`,
      ),
    );
    const results = await Promise.all(six.map((file) => run('commit', file, '--base-revision', '1')));
    const taken = results.filter(({ code }) => code === 0);
    expect(taken).to.have.length(1);
    expect(taken[0]?.out).to.match(/as revision 2$/);
    for (const { code, err } of results.filter((result) => result !== taken[0])) {
      expect(code).to.equal(1);
      expect(err).to.match(/planned on revision 1, and the latest is 2; what came between: added Extra\d \(new dataset\)/);
    }
  });

  it('names the revision that it was planned on, though nobody says it', async () => {
    const { client } = platform;
    let between: Promise<CliResult> | undefined;
    const racing = {
      ...platform.context,
      client: Object.assign(Object.create(client) as typeof client, {
        async postRaw(...args: Parameters<typeof client.postRaw>) {
          // Between the plan and the commit another comes.
          if (args[0] === '/api/v1/commit')
            await (between ??= run('commit', files.write('other.ts', `${countModule()}\nexport const other = 1;`)));
          return client.postRaw(...args);
        },
      }),
    };
    const late: unknown = await commitFile(files.write('mine.ts', `${countModule()}\nexport const mine = 1;`), racing).catch(
      (error: unknown) => error,
    );
    expect((await between)?.code).to.equal(0);
    expect(String(late)).to.match(/planned on revision 1, and the latest is 2; what came between: /);
  });

  it('dev takes away what it defined itself, and asks about what others did', async () => {
    const { printed, context } = platform;
    const file = files.write('mine.ts', ONLY_CLICKS);
    await committer(file, context)();
    expect(printed.splice(0).join('\n')).to.match(/removed {2}Pages: [^]*mine\.ts was not committed/);
    const dev = committer(file, context, ['Pages', 'PageFeatures']);
    await dev();
    files.write('mine.ts', countModule());
    await dev();
    files.write('mine.ts', ONLY_CLICKS);
    await dev();
    expect(printed.filter((line) => line.startsWith('Committed'))).to.have.length(3);
    const own = committer(file, context);
    files.write('mine.ts', countModule());
    await own();
    files.write('mine.ts', ONLY_CLICKS);
    await own();
    expect(
      printed.filter((line) => line.startsWith('Committed')),
      'its own, without being named',
    ).to.have.length(5);
  });
});
