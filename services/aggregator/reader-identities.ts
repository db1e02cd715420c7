import assert from 'node:assert';
import { murmur3 } from '../../libs/codec/slot.js';
import type { Revision, TimelineIdentity } from '../../libs/definition/revision.js';

/** Above every timeline's id, which the registry counts from 1. */
const STREAM_ID_BASE = 0x4000_0000;

/**
 * What has a reader: every timeline, and every pipeline that only publishes. The registry numbers what
 * is stored; a stream stores nothing and has a number made of its name and version.
 */
export function readerIdentities({ definitions, timelines }: Revision): readonly TimelineIdentity[] {
  const streams = definitions.pipelines
    .filter(
      ({ aggregate, name, version }) =>
        aggregate === undefined && !timelines.some((timeline) => timeline.name === name && timeline.version === version),
    )
    .map(({ name, version }): TimelineIdentity => ({ name, version, id: streamId(name, version), measures: [] }));
  const identities = [...timelines, ...streams];
  assert(
    new Set(identities.map(({ id }) => id)).size === identities.length,
    'two readers have one id: rename one of the pipelines that only publish',
  );
  return identities;
}

function streamId(name: string, version: number): number {
  return STREAM_ID_BASE + (murmur3(Buffer.from(`${name} v${version}`)) & (STREAM_ID_BASE - 1));
}
