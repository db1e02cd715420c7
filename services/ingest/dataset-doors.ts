import type { DatasetDefinition, PipelineDefinition } from '../../libs/definition/definitions.js';
import type { Revision } from '../../libs/definition/revision.js';
import { notFound, ThymeError } from '../../libs/errors/errors.js';
import type { Log } from '../../libs/log/log.js';
import { datasetTopic, deadLetterTopic } from '../../libs/pipeline/topics.js';
import { parseDatasetName } from '../../libs/definition/dataset-name.js';
import { compileChangeDoor } from './change-door.js';
import { compileDoor, type Admit } from './dataset-door.js';
import { ExpectationCounts } from './expectation-counts.js';

/** The books of one dataset since this process started. */
export interface DatasetCounts {
  readonly dataset: string;
  accepted: number;
  refused: number;
  /** Fields that the schema does not have (S12). */
  ignoredFields: number;
}

/** All that a push into one dataset needs, compiled once per revision. */
export interface DatasetDoor {
  readonly dataset: DatasetDefinition;
  readonly topic: string;
  readonly deadTopic: string;
  readonly admit: Admit;
  readonly expectations: ExpectationCounts;
  readonly counts: DatasetCounts;
}

/** The doors of the newest revision. The counts of a dataset go on from revision to revision. */
export class DatasetDoors {
  readonly #log: Log;
  readonly #deployment: string;
  readonly #doors = new Map<string, DatasetDoor>();
  readonly #revisionOf = new Map<string, Revision>();

  constructor(log: Log, deployment: string) {
    this.#log = log;
    this.#deployment = deployment;
  }

  /** NOT_FOUND, with the nearest name, for a dataset that is not there; refuses one that a pipeline fills (S12). */
  async open(name: string, revision: Revision | undefined, wish: 'push into' | 'erase from' = 'push into'): Promise<DatasetDoor> {
    const door = this.#doors.get(name);
    if (door !== undefined && this.#revisionOf.get(name) === revision) return door;
    const dataset = revision && definitionOf(name, revision);
    if (revision === undefined || dataset === undefined)
      throw notFound(
        'dataset',
        name,
        (revision?.definitions.datasets ?? []).map((candidate) => candidate.name),
      );
    const filler = revision.definitions.pipelines.find((pipeline) => pipeline.output === dataset.name);
    if (filler !== undefined) throw filledByPipeline(name, filler, wish);
    return this.#compile(name, dataset, revision);
  }

  all(): readonly DatasetDoor[] {
    return [...this.#doors.values()];
  }

  async #compile(name: string, dataset: DatasetDefinition, revision: Revision): Promise<DatasetDoor> {
    const { name: datasetName, version } = dataset;
    const topic = datasetTopic(this.#deployment, datasetName, version);
    // The log's own count, not a setting: with another one, keys would go to other partitions.
    const partitions = await this.#log.partitionCount(topic);
    if (partitions === undefined)
      throw new ThymeError('THYME_TOPIC_MISSING', 'UNAVAILABLE', `topic '${topic}' is not there yet: try again`);
    const earlier = this.#doors.get(name);
    // Another request may have compiled it during the wait; one door has all the counts.
    if (earlier !== undefined && this.#revisionOf.get(name) === revision) return earlier;
    const door: DatasetDoor = {
      dataset,
      topic,
      deadTopic: deadLetterTopic(this.#deployment, datasetName, version),
      admit: dataset.cdc === undefined ? compileDoor(dataset, partitions) : compileChangeDoor(dataset, dataset.cdc, partitions),
      expectations: new ExpectationCounts(dataset, earlier?.expectations),
      counts: earlier?.counts ?? { dataset: name, accepted: 0, refused: 0, ignoredFields: 0 },
    };
    this.#doors.set(name, door);
    this.#revisionOf.set(name, revision);
    return door;
  }
}

/** `Order` is the newest version; `Order@1` an older one, as long as what comes to it is carried over (S19a). */
function definitionOf(name: string, { definitions, carryOvers = [] }: Revision): DatasetDefinition | undefined {
  const asked = parseDatasetName(name);
  const current = definitions.datasets.find((dataset) => dataset.name === asked.dataset);
  if (current === undefined || asked.version === undefined || asked.version === current.version) return current;
  const carried = carryOvers.find(({ from }) => from.name === asked.dataset && from.version === asked.version)?.from;
  if (carried !== undefined) return carried;
  throw new ThymeError(
    'THYME_DATASET_RETIRED',
    'FAILED_PRECONDITION',
    `version ${asked.version} of dataset '${asked.dataset}' takes no records, and its version ${current.version} does: push to '${asked.dataset}'`,
  );
}

function filledByPipeline(dataset: string, { name, inputs }: PipelineDefinition, wish: string): ThymeError {
  return new ThymeError(
    'THYME_DATASET_FILLED_BY_PIPELINE',
    'INVALID_ARGUMENT',
    `dataset '${dataset}' is filled by the pipeline ${name}: ${wish} ${inputs.join(' or ')} instead`,
  );
}
