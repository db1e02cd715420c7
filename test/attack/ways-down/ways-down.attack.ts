// Every way in which a stranger took the platform down, as it was done, against a platform in a process of its own. What each must
// cost now is said beside it; the figures are printed.
import { expect } from 'chai';
import { Processes } from '../../support/processes.js';
import { post } from '../../support/http.js';
import { expectCalm, startAttacked, underAttack, type AttackedPlatform, type Figures } from '../attack-run.js';

const GRPC = new URL('./grpc-attacks.ts', import.meta.url).href;
/**
 * Percent of the probes of health that are in time while connections are flooded with what Node has parsed before anybody is asked,
 * a thousand requests each; the others have 99 (SECURITY.md, "What is not promised").
 */
const NOT_CALM_YET = 10;
/** Hundreds of calls or connections end in few turns of the event loop here: on a machine that others share some probes wait for it. */
const CALM_WHEN_QUIET = 80;
const REST = new URL('./rest-attacks.ts', import.meta.url).href;

describe('ways down', function () {
  this.retries(2); // a pause of the machine is none of the platform's
  const processes = new Processes();
  let attacked: AttackedPlatform;
  const onGrpc = (name: string): Promise<Figures> => underAttack(attacked, GRPC, name);
  const onRest = (name: string): Promise<Figures> => underAttack(attacked, REST, name);

  before(async () => {
    attacked = await startAttacked(processes, 'attacked');
  });

  after(() => processes.end());

  it('compressed messages of unknown fields are refused before they are read', async () => {
    const figures = await onGrpc('gzippedUnknownFields');
    expect(figures.findings['outcomes']).to.equal('status 3×2');
    expectCalm(figures, { grownMibMax: 48 });
  });

  it('messages to methods without a key end at 4 KiB, announced or not', async () => {
    const figures = await onGrpc('unfinishedMessages');
    expectCalm(figures, { grownMibMax: 64 });
  });

  it('pipelined requests are answered one at a time', async () => {
    expectCalm(await onRest('pipelinedMetrics'), { grownMibMax: 96, probesMin: NOT_CALM_YET });
  });

  it('a plan of empty datasets is refused by its size and its number of definitions', async () => {
    const figures = await onRest('emptyDatasets');
    expect(figures.findings['outcomes']).to.equal('413×1 400×1');
    expectCalm(figures, { grownMibMax: 160 });
  });

  it('a plan of misspelt names stops at so many problems', async () => {
    const figures = await onRest('misspeltNames');
    expect(figures.findings['outcomes']).to.equal('200×1');
    expectCalm(figures, { grownMibMax: 160, probesMin: CALM_WHEN_QUIET });
  });

  it('a batch of empty keys is refused by its number of elements', async () => {
    const figures = await onGrpc('emptyKeys');
    expect(figures.findings['outcome']).to.equal('status 3');
    expect(figures.findings['answeredMs']).to.be.below(2_000);
    expectCalm(figures, { grownMibMax: 128 });
  });

  it('training sets that nobody reads wait for their reader', async () => {
    expectCalm(await onGrpc('unreadTrainingSets'), { grownMibMax: 512, probesMin: CALM_WHEN_QUIET });
  });

  it('batches of long keys leave a hundred of them on record', async () => {
    const figures = await onRest('longKeysOnRecord');
    expect(figures.findings['page']).to.equal(200);
    expect(figures.findings['pageKiB']).to.be.below(5_000);
    expect(figures.grownMib).to.be.below(256);
  });

  it('a long number and quotes are read in one pass', async () => {
    const figures = await onRest('quotesAfterNumber');
    expect(figures.findings['ms']).to.be.below(2_000);
    expectCalm(figures, { grownMibMax: 64 });
  });

  it('stalled uploads share the budget of bytes', async () => {
    const figures = await onRest('stalledUploads');
    expectCalm(figures, { grownMibMax: 420, probesMin: CALM_WHEN_QUIET });
  });

  it('bodies of empty objects are refused by their number of values', async () => {
    const figures = await onRest('jsonBombs');
    expect(figures.findings['outcomes']).to.equal('400×3');
    expect(figures.grownMib).to.be.below(256);
  });

  it('watchers of health are few, and are woken by changes', async () => {
    const figures = await onGrpc('healthWatchers');
    // 256 at a time; a place that a reset connection leaves is taken again.
    expect(Number(/watching×(\d+)/.exec(String(figures.findings['outcomes']))?.[1])).to.be.within(1, 1_024);
    expectCalm(figures, { grownMibMax: 256, probesMin: CALM_WHEN_QUIET });
  });

  it('connections that reset their calls are closed', async () => {
    const figures = await onGrpc('resetFlood');
    expect(figures.findings['closedByServer']).to.be.at.least(300);
    expectCalm(figures, { grownMibMax: 256 });
  });

  it('watchers who leave a hundred at a time end nothing', async () => {
    const figures = await onGrpc('leavingWatchers');
    expect(figures.findings['closedByServer']).to.be.at.least(20);
    expectCalm(figures, { grownMibMax: 64, probesMin: CALM_WHEN_QUIET });
  });

  it('calls of no method that are gone before they are answered end nothing', async () => {
    expectCalm(await onGrpc('resetUnknownMethods'), { grownMibMax: 32 });
  });

  it('silent connections give way to others, and ingest goes on', async () => {
    attacked = await startAttacked(processes, 'few-descriptors', 'ulimit -n 1500');
    const silence = onGrpc('silentConnections');
    for (let i = 0; i < 10; i++) {
      const { status, text } = await post(`${attacked.target.restUrl}/api/v1/log`, {
        dataset: 'Payment',
        events: [{ account: `a${i}`, amount: '1.5', paid_at: Date.now() / 1_000 }],
      });
      expect(status, text).to.equal(200);
    }
    const figures = await silence;
    expect(figures.findings['closedByServer']).to.be.at.least(600); // half of the descriptors are for others
    expectCalm(figures, { grownMibMax: 96, probesMin: CALM_WHEN_QUIET });
  });
});
