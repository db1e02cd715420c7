import { createHash } from 'node:crypto';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { expect } from 'chai';
import { CommitRequestSchema, PlanRequestSchema, PlanResponse_Change_Kind as Kind } from '../../gen/thyme/v1/registry_pb.js';
import { MemoryLog } from '../../libs/log/memory/memory-log.js';
import { definitionsToProto } from '../../libs/wire/definitions.js';
import { registryHandlers } from '../../services/registry/handlers.js';
import type { Registry } from '../../services/registry/registry.js';
import { changed, failure, ORDER, PARTITIONS, proposalOf, SHOP, startRegistry, STATS } from './registry-fixture.js';

describe('the registry', () => {
  let log: MemoryLog;
  let registry: Registry;
  const context = { signal: new AbortController().signal };
  const commit = async (source: string, base?: number) =>
    registry.commit(await proposalOf(source), { baseRevision: base, removes: ['all'] });

  beforeEach(async () => {
    log = new MemoryLog();
    registry = await startRegistry(log);
  });
  afterEach(() => registry.stop());

  it('commits a module: numbers it, identifies its timelines, creates its topics', async () => {
    const { revision, changes } = await commit(SHOP);
    expect(revision).to.equal(1);
    expect(changes.map((change) => `${change.kind} ${change.place}`)).to.include.members([
      'added Order',
      'added OrderStats.stats',
      'added Signals',
    ]);
    const { timelines, createdUs } = await registry.get();
    expect(createdUs).to.equal(1_769_860_800_000_000);
    expect(timelines.map(({ name, version, id, measures }) => [name, version, id, measures.map((measure) => measure.of)])).to.deep.equal([
      ['OrderStats.stats', 1, 1, ['amount']],
    ]);
    for (const topic of ['d.Order.v1', 'd.Order.v1.dead', 'd.OrderStats.v1', 'd.changes'])
      expect(await log.partitionCount(topic), topic).to.equal(PARTITIONS);
    expect(await log.partitionCount('d.rekey')).to.equal(PARTITIONS ** 2);
  });

  it('answers over messages as in process', async () => {
    const handlers = registryHandlers(registry);
    const { definitions, bundle } = await proposalOf(SHOP);
    const request = fromBinary(
      CommitRequestSchema,
      toBinary(
        CommitRequestSchema,
        create(CommitRequestSchema, { definitions: definitionsToProto(definitions), bundle, baseRevision: 0n }),
      ),
    );
    const plan = await handlers.plan(create(PlanRequestSchema, { definitions: definitionsToProto(definitions), bundle }), context);
    const committed = await handlers.commit(request, context);
    expect([committed.revision, plan.baseRevision, plan.problems]).to.deep.equal([1n, 0n, []]);
    expect(plan.changes).to.deep.equal(committed.changes);
    expect(plan.changes.map((change) => change.kind)).to.include(Kind.ADDED);
    const { revision } = await handlers.get({ $typeName: 'thyme.v1.GetRequest' }, context);
    expect(revision?.definitions?.featuresets[0]?.name).to.equal('Signals');
    const { revisions } = await handlers.list({ $typeName: 'thyme.v1.ListRequest', limit: 0 }, context);
    expect(revisions.map((summary) => [summary.number, summary.datasets, summary.pipelines, summary.featuresets])).to.deep.equal([
      [1n, 2, 1, 1],
    ]);
  });

  it('refuses with all problems at once, each with its place and its fix', async () => {
    const { definitions, bundle } = await proposalOf(SHOP);
    const featuresets = definitions.featuresets.map((featureset) => ({
      ...featureset,
      extractors: featureset.extractors.map((extractor) => ({ ...extractor, function: 'Signals.gone' })),
    }));
    const broken = { ...definitions, datasets: definitions.datasets.map((dataset) => ({ ...dataset, timestamp: 'nowhere' })), featuresets };
    const error = await failure(registry.commit({ definitions: broken, bundle }));
    expect(error.status).to.equal('INVALID_ARGUMENT');
    expect(error.violations.map((violation) => violation.field)).to.include.members(['Order', 'OrderStats', 'Signals.rule']);
    const plan = await registry.plan({ definitions: broken, bundle }, { runBundle: true });
    expect(plan.problems.map((problem) => problem.place)).to.deep.equal(error.violations.map((violation) => violation.field));
    expect(registry.history.latestNumber).to.equal(0);
  });

  it('refuses a bundle that is not its hash, that does not load, and none where one is needed', async () => {
    const { definitions, bundle } = await proposalOf(SHOP);
    const throws = 'throw new RangeError("no such table")';
    expect((await failure(registry.commit({ definitions, bundle: { ...bundle, code: `${bundle.code} ` } }))).message).to.match(
      /sha256 is not that of its code/,
    );
    expect(
      (await failure(registry.commit({ definitions, bundle: { code: throws, sha256: createHash('sha256').update(throws).digest('hex') } })))
        .message,
    ).to.match(/does not load: .*no such table/);
    expect((await failure(registry.commit({ definitions, bundle: { code: '', sha256: '' } }))).message).to.match(
      /Signals\.rule: it needs the function/,
    );
  });

  it('runs no code for a plan over the wire, which needs no right to commit', async () => {
    const { definitions } = await proposalOf(ORDER);
    const code = 'process.exitCode = 99; throw new Error("ran")';
    const plan = await registryHandlers(registry).plan(
      create(PlanRequestSchema, { definitions: definitionsToProto(definitions), bundle: { sha256: '', code } }),
      context,
    );
    expect([plan.problems, plan.changes.length, process.exitCode]).to.deep.equal([[], 1, undefined]);
  });

  it('makes no revision where nothing changed, so that a commit may be repeated', async () => {
    await commit(SHOP);
    for (const base of [undefined, 1, 0]) expect(await commit(SHOP, base)).to.deep.equal({ revision: 1, changes: [] });
  });

  it('commits one of two that were planned on the same revision; the other is ABORTED (S19)', async () => {
    const both = await Promise.allSettled([commit(SHOP, 0), commit(ORDER, 0)]);
    expect(both.map((result) => result.status).sort()).to.deep.equal(['fulfilled', 'rejected']);
    const refused = both.find((result) => result.status === 'rejected'); // whichever was bundled later
    expect(String(refused?.reason), 'and is told what came between').to.match(/added Order/);
    const error = await failure(commit(changed(SHOP, 'orders > 5', 'orders > 6'), 0));
    expect([error.status, error.code]).to.deep.equal(['ABORTED', 'THYME_REVISION_MOVED']);
    expect((await commit(changed(SHOP, 'orders > 5', 'orders > 6'), 1)).revision).to.equal(2);
  });

  it('keeps ids and measures of a version, and gives no id twice, also not to what comes back', async () => {
    await commit(SHOP);
    await commit(`${SHOP}\n@dataset({ version: 1, index: true }) export class User { @key(t.string) user_id; @timestamp() at; }`);
    expect((await registry.get()).timelines.map(({ name, id }) => [name, id])).to.deep.equal([
      ['OrderStats.stats', 1],
      ['index:User', 2],
    ]);
    await commit(ORDER);
    expect((await registry.get()).timelines).to.deep.equal([]);
    await commit(SHOP);
    expect((await registry.get()).timelines.map(({ name, id }) => [name, id])).to.deep.equal([['OrderStats.stats', 3]]);
  });

  it('keeps the order that stored rows have, wherever a field is added (S19)', async () => {
    await commit(ORDER);
    await commit(changed(ORDER, '@key(t.string) user_id;', '@field(t.string.optional) note; @key(t.string) user_id;'));
    const { definitions } = await registry.get();
    expect(definitions.datasets[0]?.fields.map((field) => field.name)).to.deep.equal([
      'user_id',
      'amount',
      'quantity',
      'ordered_at',
      'note',
    ]);
  });

  it('refuses a dataset version that comes back with other fields: its topic is still there (S19)', async () => {
    await commit(ORDER);
    await commit(`@dataset({ version: 1 }) export class User { @key(t.string) user_id; @timestamp() at; }`);
    const error = await failure(commit(changed(ORDER, '@field(t.float) amount', '@field(t.string) amount')));
    expect([error.status, error.violations.map((violation) => violation.field)]).to.deep.equal(['FAILED_PRECONDITION', ['Order.amount']]);
    expect((await commit(ORDER)).revision).to.equal(3);
  });

  it('reads all commits at its start', async () => {
    await commit(SHOP);
    await commit(ORDER);
    await registry.stop();
    const again = await startRegistry(log);
    expect([again.history.latestNumber, again.history.latest()?.definitions.pipelines]).to.deep.equal([2, []]);
    expect((await again.get(1)).definitions.pipelines).to.have.length(1);
    expect((await again.commit(await proposalOf(SHOP))).revision).to.equal(3);
    expect((await again.get()).timelines[0]?.id).to.equal(2);
    await again.stop();
  });

  it('does not let two registries commit: the older is fenced, says UNAVAILABLE, and reads before it goes on', async () => {
    await commit(ORDER);
    const other = await startRegistry(log);
    expect((await other.commit(await proposalOf(SHOP))).revision).to.equal(2);
    const error = await failure(commit(changed(SHOP, 'orders > 5', 'orders > 6')));
    expect(error.status).to.equal('UNAVAILABLE');
    expect(registry.history.latestNumber).to.equal(2);
    expect((await commit(changed(SHOP, 'orders > 5', 'orders > 6'))).revision).to.equal(3);
    await other.history.waitForNewer(2, context.signal);
    expect(other.history.latest()?.bundle).to.deep.equal(registry.history.latest()?.bundle);
    await other.stop();
  });

  it('streams each revision from the one asked on, and later ones as they come', async () => {
    await commit(ORDER);
    const stopping = new AbortController();
    const seen: number[] = [];
    const watching = (async () => {
      for await (const revision of registry.watch(1, stopping.signal)) if (seen.push(revision.number) === 3) stopping.abort();
    })();
    await commit(SHOP);
    await commit(`${ORDER}\n${STATS}`);
    await watching;
    expect(seen).to.deep.equal([1, 2, 3]);
    expect(registry.history.after(1).map((revision) => revision.number)).to.deep.equal([2, 3]);
  });

  it('answers for revisions that are no longer in memory', async () => {
    for (let i = 0; i < 20; i++) await commit(`${ORDER}\nexport const round = ${i};`);
    expect((await registry.get(1)).number).to.equal(1);
    expect(registry.list(2).map((summary) => summary.number)).to.deep.equal([20, 19]);
    expect((await failure(registry.get(21))).status).to.equal('NOT_FOUND');
    expect((await failure(registry.get(0))).status).to.equal('NOT_FOUND');
  });

  it('refuses what is too large for a message, and other partitions than the topics have', async () => {
    expect((await failure(commit(`${ORDER}\nexport const table = '${'x'.repeat(1_000_000)}';`))).message).to.match(
      /over the limit of 1000000/,
    );
    await log.createTopic('d.Order.v1', 5);
    expect((await failure(commit(ORDER))).status).to.equal('FAILED_PRECONDITION');
    expect(registry.history.latestNumber).to.equal(0);
  });

  it('takes no commit once it has stopped', async () => {
    await registry.stop();
    expect((await failure(commit(ORDER))).status).to.equal('UNAVAILABLE');
  });
});
