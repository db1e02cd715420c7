import type { Change } from '../../libs/change/change.js';
import type { NewRecord, TransactionRecords } from '../../libs/log/log.js';
import { rekeyPartition, rekeyTopic } from '../../libs/pipeline/topics.js';
import type { FlowingRecord } from './flowing-record.js';
import type { ReaderPlan } from './reader-plan.js';
import { RekeyPacker, type StageThrough } from './rekey-message.js';

const NO_KEY = new Uint8Array();

interface OutputPlace {
  readonly deployment: string;
  readonly partition: number;
  readonly partitionCount: number;
  readonly revision: number;
}

/** What a tick will commit together (S14): its changes, and what goes to other topics. */
export class TickOutput {
  readonly changes: Change[] = [];
  readonly #place: OutputPlace;
  readonly #rekeyed = new Map<number, RekeyPacker>();
  readonly #appended = new Map<string, NewRecord[]>();

  constructor(place: OutputPlace) {
    this.#place = place;
  }

  rekey(destination: number, plan: ReaderPlan, stage: number, record: FlowingRecord): void {
    const rows = plan.stageRows[stage];
    if (rows === undefined) throw new Error(`${plan.name} has no stage ${stage}`);
    this.#packer(destination).add(plan.id, stage, record, rows);
  }

  /** All rows of an entity go, where the stage of its group runs (S26). */
  rekeyErase(destination: number, plan: ReaderPlan, stage: number, record: Omit<FlowingRecord, 'row'>, entityKey: Uint8Array): void {
    this.#packer(destination).addBytes(plan.id, stage, record, entityKey);
  }

  /** A record for this task's partition of another topic. */
  append(topic: string, record: NewRecord): void {
    const records = this.#appended.get(topic);
    if (records === undefined) this.#appended.set(topic, [record]);
    else records.push(record);
  }

  /** Every other task hears what has been seen through, also one that gets no record. */
  toTransaction(through: readonly StageThrough[]): TransactionRecords[] {
    const { deployment, partition, partitionCount } = this.#place;
    const parts: TransactionRecords[] = [];
    for (let destination = 0; destination < partitionCount; destination++) {
      if (destination === partition) continue;
      if (through.length === 0 && !this.#rekeyed.has(destination)) continue;
      const messages = this.#packer(destination).finish(through);
      parts.push({
        target: { topic: rekeyTopic(deployment), partition: rekeyPartition(partition, destination, partitionCount) },
        records: messages.map((value) => ({ key: NO_KEY, value })),
      });
    }
    for (const [topic, records] of this.#appended) parts.push({ target: { topic, partition }, records });
    return parts;
  }

  #packer(destination: number): RekeyPacker {
    let packer = this.#rekeyed.get(destination);
    if (packer === undefined) {
      packer = new RekeyPacker(this.#place.revision);
      this.#rekeyed.set(destination, packer);
    }
    return packer;
  }
}
