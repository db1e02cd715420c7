// Parts of the answers of public REST that the pages read; /openapi.json describes the whole.

export interface Described {
  readonly name: string;
  readonly description: string;
  readonly owner: string;
  readonly tags: readonly string[];
  readonly deprecated: boolean;
}

export interface Dataset extends Described {
  readonly version: string;
  readonly max_lateness: string;
  readonly history: string;
  readonly cdc: string;
  readonly keys: readonly string[];
  readonly timestamp: string;
  readonly index: boolean;
  readonly publish: boolean;
  readonly fields: readonly { readonly name: string; readonly dtype: string; readonly optional: boolean }[];
}

export interface Pipeline extends Described {
  readonly version: string;
  readonly input_datasets: readonly string[];
  readonly output_dataset: string;
}

export interface Feature extends Described {
  readonly id: number;
  readonly dtype: string;
  readonly optional: boolean;
  readonly input: boolean;
  readonly reads: { readonly kind: 'dataset' | 'featureset'; readonly name: string; readonly field: string } | null;
  readonly default: unknown;
}

export interface Featureset extends Described {
  readonly version: string;
  readonly entity: readonly string[];
  readonly features: readonly Feature[];
  readonly extractors: readonly { readonly name: string; readonly inputs: readonly string[]; readonly outputs: readonly string[] }[];
}

export interface Aggregation {
  readonly field: string;
  readonly operator: string;
  readonly of: string | null;
  readonly window: string;
  readonly where: string | null;
  readonly pct: number | null;
  readonly k: number | null;
}

export interface PipelineStep {
  readonly type: string;
  readonly text: string;
  /** What records are grouped by. */
  readonly keys?: readonly string[];
  readonly aggregations?: readonly Aggregation[];
}

export interface Progress {
  readonly caught_up: boolean;
  readonly paused: boolean;
  readonly lag: number;
  readonly read: number;
  readonly applied: number;
  readonly filtered: number;
  readonly late_dropped: number;
  readonly outdated: number;
  readonly duplicate: number;
  readonly dead: number;
  readonly erased: number;
  readonly failed: number;
}

export interface Job {
  readonly name: string;
  readonly version: string;
  readonly partition_count: number;
  readonly spec: { readonly pipeline_spec: { readonly operators: readonly PipelineStep[] } };
  readonly progress: Progress;
}

export interface Source {
  readonly id: string;
  readonly dataset: string;
  readonly connector_type: string;
  readonly poll_interval: string;
  readonly cursor_value: string | null;
  readonly state: string;
  readonly cause: string | null;
  readonly next_at: string | null;
  readonly succeeded_at: string | null;
  readonly rows: number;
  readonly refused: number;
  readonly rows_per_s: number;
  readonly lag: { readonly rows: number | null; readonly bytes: number | null; readonly seconds: number | null };
}

export interface Intake {
  readonly dataset: string;
  readonly accepted: number;
  readonly refused: number;
  readonly ignored_fields: number;
  readonly expectations: readonly {
    readonly expectation: string;
    readonly mostly: number;
    readonly checked: number;
    readonly failed: number;
    readonly holds: boolean;
  }[];
}

export interface PlatformEvent {
  readonly id: string;
  readonly event_type: string;
  readonly severity: 'info' | 'warning' | 'error';
  readonly source: string;
  readonly subject: string;
  readonly message: string;
  readonly created_at: string;
}

export interface Timing {
  readonly name: 'query' | 'freshness' | 'tick';
  readonly count: number;
  readonly p50_ms: number | null;
  readonly p95_ms: number | null;
  readonly p99_ms: number | null;
  readonly max_ms: number | null;
}

export interface Status {
  readonly latest_commit: { readonly id: string; readonly created_at: string } | null;
  readonly datasets: readonly Dataset[];
  readonly pipelines: readonly Pipeline[];
  readonly featuresets: readonly Featureset[];
  readonly sources: readonly Source[];
  readonly jobs: readonly Job[];
  readonly backfills: readonly {
    readonly job_name: string;
    readonly source_dataset: string;
    readonly status: string;
    readonly records_ingested: number;
    readonly records_left: number;
  }[];
  readonly intakes: readonly Intake[];
  readonly tasks: readonly { readonly partition: number; readonly epoch: number; readonly seq: number; readonly revision: number }[];
  readonly timings: readonly Timing[];
  readonly recent_events: readonly PlatformEvent[];
  readonly unavailable: readonly string[];
}
