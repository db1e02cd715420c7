import { expect } from 'chai';
import { importPeer } from '../../libs/source/import-peer.js';
import { SourceError } from '../../libs/source/source-error.js';

const NO_LIBRARY: string = 'no-such-library';

describe('a library that only some connectors need', () => {
  it('is named, with how to install it, where it is not there', async () => {
    const missing = importPeer('s3', 'some-library@3', () => import(NO_LIBRARY) as Promise<unknown>);
    const error: unknown = await missing.catch((failure: unknown) => failure);
    expect(error).to.be.instanceOf(SourceError).and.include({ disposition: 'stop', code: 'THYME_SOURCE_PEER_MISSING' });
    expect(error).to.have.property('message').that.contains('the s3 connector').and.contains('npm install some-library@3');
  });

  it('fails by its own error where it is there, and broken', async () => {
    const failure = new TypeError('broken');
    const error: unknown = await importPeer('s3', 'x', () => Promise.reject(failure)).catch((caught: unknown) => caught);
    expect(error).to.equal(failure);
  });
});
