import type { CommittedDataset, CommittedFeatureset, CommittedPipeline, PipelineProgress } from './committed-status.js';

/** What is committed under a name, what it is connected with, and how it does. */
export type Inspection =
  | {
      readonly kind: 'dataset';
      readonly definition: CommittedDataset;
      readonly filled_by: string;
      readonly pipelines: readonly PipelineState[];
      readonly read_by: readonly string[];
      readonly rows: EntityRows | null;
    }
  | {
      readonly kind: 'pipeline';
      readonly definition: CommittedPipeline;
      /** What it does to its records, step by step, in words. */
      readonly operators: readonly string[];
      readonly state: PipelineState | null;
      readonly rows: EntityRows | null;
    }
  | { readonly kind: 'featureset'; readonly definition: CommittedFeatureset; readonly rows: EntityRows | null };

export interface PipelineState extends PipelineProgress {
  readonly name: string;
  readonly version: string;
}

/** Of one entity: the newest rows of a dataset that is kept row by row, the windows of an aggregated one, a featureset's features. */
export interface EntityRows {
  readonly entity: unknown;
  readonly as_of: string;
  readonly rows: readonly { readonly at: string; readonly values: Readonly<Record<string, unknown>> }[];
}
