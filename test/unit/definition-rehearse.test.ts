import { expect } from 'chai';
import { rehearseBundle } from '../../services/registry/rehearse-bundle.js';

async function refusal(code: string): Promise<unknown> {
  return rehearseBundle(code).then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe('rehearsing a bundle', () => {
  it('lets pass what loads, and what throws: whoever loads it says so', async () => {
    expect(await refusal('exports.answer = 42;')).to.equal(undefined);
    expect(await refusal('throw new Error("no");')).to.equal(undefined);
    expect(await refusal('')).to.equal(undefined);
  });

  it('ends an endless loop at the top level', async () => {
    expect(await refusal('while (true) {}')).to.include({ code: 'THYME_BUNDLE_UNBOUNDED', status: 'INVALID_ARGUMENT' });
  });

  it('ends what takes memory without end, of V8 or beside it', async () => {
    const objects = await refusal('const kept = []; for (;;) kept.push({ a: kept.length, b: [] });');
    // The collector may be at it for longer than the time allows: one limit or the other.
    expect(objects).to.include({ code: 'THYME_BUNDLE_UNBOUNDED' });
    const buffers = await refusal('const kept = []; for (let i = 0; i < 64; i++) kept.push(Buffer.alloc(16 << 20, 1)); while (true) {}');
    expect(String(buffers)).to.contain('more than 256 MiB');
  });

  it('notices code that ends its process', async () => {
    expect(String(await refusal('process.exit(0);'))).to.contain('ended the process');
  });
});
