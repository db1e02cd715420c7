// GET /api/v1/status, as far as commands that look at single things read it. OpenAPI describes all of it.

export interface CommittedStatus {
  readonly datasets: readonly CommittedDataset[];
  readonly pipelines: readonly CommittedPipeline[];
  readonly featuresets: readonly CommittedFeatureset[];
  readonly sources: readonly { readonly dataset: string; readonly connector_type: string; readonly state: string }[];
  readonly jobs: readonly {
    readonly name: string;
    readonly version: string;
    readonly job_type: 'aggregation' | 'derivation';
    readonly spec: { readonly pipeline_spec: { readonly operators: readonly { readonly text: string }[] } };
    readonly progress: PipelineProgress;
  }[];
}

export interface CommittedDataset {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly keys: readonly string[];
  readonly timestamp: string;
  readonly index: boolean;
  readonly publish: boolean;
  readonly history: string;
  readonly max_lateness: string;
  readonly cdc: string;
  readonly row_key: readonly string[];
  readonly fields: readonly { readonly name: string; readonly dtype: string; readonly optional: boolean }[];
}

export interface CommittedPipeline {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly input_datasets: readonly string[];
  readonly output_dataset: string;
}

export interface CommittedFeatureset {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly entity: readonly string[];
  readonly features: readonly CommittedFeature[];
  readonly extractors: readonly { readonly name: string; readonly inputs: readonly string[]; readonly outputs: readonly string[] }[];
}

export interface CommittedFeature {
  readonly name: string;
  readonly dtype: string;
  readonly optional: boolean;
  readonly input: boolean;
  readonly reads: { readonly kind: 'dataset' | 'featureset'; readonly name: string; readonly field: string } | null;
  readonly default: unknown;
}

export interface PipelineProgress {
  readonly caught_up: boolean;
  readonly paused: boolean;
  readonly lag: number;
  readonly read: number;
  readonly applied: number;
  readonly late_dropped: number;
  readonly failed: number;
}

/** How a pipeline does, in a word or two. */
export function progressText({ paused, caught_up: isCaughtUp, lag }: PipelineProgress): string {
  return paused ? 'paused' : isCaughtUp ? 'caught up' : `${lag} behind`;
}
