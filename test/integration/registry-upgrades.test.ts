import { expect } from 'chai';
import { MemoryLog } from '../../libs/log/memory/memory-log.js';
import { changed, failure, ORDER, proposalOf, SHOP, startRegistry, STATS } from './registry-fixture.js';

const raised = (upgrade: string, version = 2, source = SHOP): string =>
  changed(source, '@dataset({ version: 1 }) export class Order', `@dataset({ version: ${version}, ${upgrade} }) export class Order`);
const CARRY = 'upgrade: (old) => ({ ...old, amount: old.amount * 2 })';

describe('datasets whose version is raised, in the registry (S19a)', () => {
  it('are refused where nothing says what becomes of their records, and both ways are named', async () => {
    const registry = await startRegistry(new MemoryLog());
    await registry.commit(await proposalOf(SHOP));
    const error = await failure(
      registry.commit(
        await proposalOf(changed(SHOP, '@dataset({ version: 1 }) export class Order', '@dataset({ version: 2 }) export class Order')),
      ),
    );
    expect([error.status, error.violations.map(({ field }) => field)]).to.deep.equal(['FAILED_PRECONDITION', ['Order']]);
    expect(error.message).to.match(/upgrade: \(old\) => .*upgrade: 'empty'/);
    await registry.stop();
  });

  it('have timelines of their own, and a reader for what is carried, which no later revision drops', async () => {
    const log = new MemoryLog();
    const registry = await startRegistry(log);
    await registry.commit(await proposalOf(SHOP));
    for (let i = 0; i < 3; i++) await log.append({ topic: 'd.Order.v1', partition: i % 2 }, [{ key: Buffer.of(i), value: Buffer.of(i) }]);
    const proposal = await proposalOf(raised(CARRY));
    const { changes } = await registry.plan(proposal, { runBundle: true });
    expect(changes.map(({ kind, place, message }) => `${kind} ${place} ${message}`)).to.include(
      'needsBackfill Order version 1 → 2: 3 records of version 1 will be carried over by its upgrade; features switch when they are there (S19a)',
    );
    const before = await registry.get();
    await registry.commit(proposal);
    const after = await registry.get();
    expect(after.timelines.map(({ name, inputs }) => [name, inputs])).to.deep.equal([['OrderStats.stats', ['Order.v2']]]);
    expect(after.timelines[0]?.id).to.be.greaterThan(before.timelines[0]?.id ?? 0);
    expect(after.carryOvers?.map(({ from, toVersion, revision }) => [from.name, from.version, toVersion, revision])).to.deep.equal([
      ['Order', 1, 2, 2],
    ]);
    expect(await log.partitionCount('d.Order.v2.history')).to.equal(2);
    await registry.commit(await proposalOf(raised(CARRY, 3)));
    await registry.commit(await proposalOf('@dataset({ version: 1 }) export class Other { @key(t.string) k; @timestamp() at; }'), {
      removes: ['all'],
    });
    const last = await registry.get();
    expect(last.carryOvers?.map(({ from, toVersion }) => [from.version, toVersion])).to.deep.equal([
      [1, 2],
      [2, 3],
    ]);
    const ids = [
      ...(last.carryOvers ?? []).map(({ id }) => id),
      ...before.timelines.map(({ id }) => id),
      ...after.timelines.map(({ id }) => id),
    ];
    expect(new Set(ids).size).to.equal(ids.length);
    await registry.stop();
  });

  it('are written in a format that older processes refuse, where something is carried, and only there', async () => {
    const log = new MemoryLog();
    const registry = await startRegistry(log);
    for (const source of [SHOP, raised(CARRY)]) await registry.commit(await proposalOf(source));
    const { records } = await log.read({ topic: 'd.registry', partition: 0 }, 0, { recordsMax: 10, bytesMax: 1e6 });
    expect(records.map(({ value }) => value[0])).to.deep.equal([1, 2]);
    await registry.stop();
    const again = await startRegistry(log);
    expect((await again.get()).carryOvers).to.have.length(1);
    await again.stop();
  });

  const LATER: readonly (readonly [string, string, string, RegExp | undefined])[] = [
    ['another code of an upgrade that has carried', CARRY, CARRY.replace('2', '3'), /the code of its upgrade/],
    ['its upgrade left out afterwards', CARRY, "description: 'done'", undefined],
    ['empty after it has carried', CARRY, "upgrade: 'empty'", /has begun with the records/],
    ['an upgrade after it began empty', "upgrade: 'empty'", CARRY, /has begun without the records/],
  ];
  for (const [what, first, then, refusal] of LATER) {
    it(`${refusal === undefined ? 'take' : 'refuse'} ${what}`, async () => {
      const registry = await startRegistry(new MemoryLog());
      for (const source of [SHOP, raised(first)]) await registry.commit(await proposalOf(source));
      const commit = proposalOf(raised(then)).then((proposal) => registry.commit(proposal));
      if (refusal === undefined) expect((await commit).revision).to.equal(3);
      else expect((await failure(commit)).message).to.match(refusal);
      await registry.stop();
    });
  }

  it('ask for an upgrade also where the dataset was away in between', async () => {
    const registry = await startRegistry(new MemoryLog());
    for (const source of [`${ORDER}\n${STATS}`, '@dataset({ version: 1 }) export class Other { @key(t.string) k; @timestamp() at; }'])
      await registry.commit(await proposalOf(source), { removes: ['all'] });
    expect(
      (await failure(registry.commit(await proposalOf(changed(ORDER, 'version: 1', 'version: 2')), { removes: ['all'] }))).message,
    ).to.match(/upgrade: 'empty'/);
    await registry.commit(await proposalOf(changed(ORDER, 'version: 1', `version: 2, ${CARRY}`)), { removes: ['all'] });
    expect((await registry.get()).carryOvers).to.have.length(1);
    await registry.stop();
  });

  it('what would publish a history again wants a new version of what it fills (S25a)', async () => {
    const published = changed(SHOP, 'version: 1, index: true', 'version: 1, index: true, publish: true');
    const registry = await startRegistry(new MemoryLog());
    await registry.commit(await proposalOf(published));
    const again = [
      changed(published, '@pipeline({ version: 1', '@pipeline({ version: 2'),
      changed(published, 'static stats(', 'static others('),
      raised(CARRY, 2, published),
    ];
    for (const source of again) {
      expect((await failure(registry.commit(await proposalOf(source), { removes: ['all'] }))).message).to.match(
        /S25a.*raise the version of OrderStats/,
      );
      const together = await proposalOf(changed(source, 'version: 1, index: true', 'version: 2, index: true'));
      const { changes } = await registry.plan(together, { runBundle: true });
      expect(changes.filter(({ kind }) => kind === 'breaking')).to.deep.equal([]);
    }
    await registry.commit(await proposalOf(ORDER), { removes: ['all'] });
    expect((await failure(registry.commit(await proposalOf(published)))).message).to.match(/come twice \(S25a\)/);
    await registry.commit(await proposalOf(changed(published, 'version: 1, index: true', 'version: 2, index: true')));
    expect((await registry.get()).timelines.map(({ name, output }) => [name, output])).to.deep.equal([
      ['OrderStats.stats', 'OrderStats.v2'],
    ]);
    await registry.stop();
  });
});
