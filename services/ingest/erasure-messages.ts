import { create } from '@bufbuild/protobuf';
import { type ErasureReceipt as Message, ErasureReceipt_State as State, ErasureReceiptSchema } from '../../gen/thyme/v1/erasures_pb.js';
import type { AskedEntry, ErasingReader } from '../../libs/erasure/erasure-entry.js';
import { changesTopic, deadLettersOf, erasuresTopic, historyOf } from '../../libs/pipeline/topics.js';
import type { ErasureReceipt } from './erasure-receipts.js';

const REASON: Readonly<Record<ErasingReader['effect'], string>> = {
  erased: '',
  unpublished: 'groups by something else than the entity: its rows went, but what was published under other keys stays as it was (S25)',
  kept: "joins, and groups by something else than the entity: keeps what it has computed from the entity's rows, until it is built again",
};
const BYTES_DUE = "the bytes of the earlier rows, in the log's and the stores' files";
const STORES_DUE = 'the bytes of the earlier rows, in the files of stores and replicas that are in use, and in messages between partitions';

/** Until when which bytes go. */
export interface ErasureTerms {
  readonly eraseWithinUs: number;
  /** Whether somebody takes them out of the log. */
  readonly rewritesLog: boolean;
}

/** Of one that was just taken in. */
export function askedReceipt(asked: AskedEntry, terms: ErasureTerms): Message {
  const effects = asked.readers.map((reader) => ({ ...reader, rows: 0, partitionsPassed: 0 }));
  return receiptMessage({ asked, effects, rows: 0, isApplied: false, settledUs: undefined }, terms);
}

export function receiptMessage({ asked, effects, rows, isApplied, settledUs }: ErasureReceipt, terms: ErasureTerms): Message {
  const { id, dataset, version, entity, atUs, partitions } = asked;
  return create(ErasureReceiptSchema, {
    id,
    dataset,
    version,
    entity,
    askedUs: BigInt(atUs),
    state: settledUs !== undefined ? State.DONE : isApplied ? State.APPLIED : State.APPLYING,
    partitions: [...partitions],
    effects: effects.map(({ name, version: readerVersion, fills, effect, rows: gone, partitionsPassed }) => ({
      reader: name,
      version: readerVersion,
      fills,
      effect,
      reason: REASON[effect],
      rows: BigInt(gone),
      partitionsPassed,
    })),
    rows: BigInt(rows),
    due: settledUs === undefined ? dueOf(asked, terms) : [],
  });
}

function dueOf(
  { atUs, topic, dataset, version }: AskedEntry,
  { eraseWithinUs, rewritesLog }: ErasureTerms,
): { readonly what: string; readonly byUs?: bigint }[] {
  const byUs = BigInt(atUs + eraseWithinUs);
  if (rewritesLog) return [{ what: BYTES_DUE, byUs }];
  const deployment = topic.slice(0, -`.${dataset}.v${version}`.length);
  const topics = [topic, historyOf(topic), deadLettersOf(topic), changesTopic(deployment), erasuresTopic(deployment)].join(', ');
  const stay = `the bytes of the earlier rows, in Kafka's topics ${topics} and those of published rows, which are not rewritten: they go with the topics' retention`;
  const left = 'stores of partitions that a worker had once and others have now, in its data folder: remove them while they are not in use';
  return [{ what: STORES_DUE, byUs }, { what: stay }, { what: left }];
}
