// What of the crash suite's definitions is raised while everything runs: the version of a dataset that is pushed to (S19a), and
// the output of a pipeline that publishes (S25a). Whatever the versions are, the answers are the same, so that the recount need
// not know which record met which.

export interface Versions {
  /** Those that sources feed have the meter's. */
  readonly meter: number;
  /** Of the published rows; theirs is raised with the meter's too, since the pipeline is then another. */
  readonly peak: number;
}

export const FIRST_VERSIONS: Versions = { meter: 1, peak: 1 };
/** At which a reading is a peak. */
export const PEAK = 700;
/** A generator gives the value under both names, so that it is never known which version it is pushed to. */
export const VALUE_FIELDS = ['value', 'reading'] as const;

export function evolved({ meter, peak }: Versions, kind: 'upgrade' | 'rebuild'): Versions {
  return { meter: meter + (kind === 'upgrade' ? 1 : 0), peak: peak + 1 };
}

/** By the names of pipelines: the version of each, for those that are not 1 for good. */
export function pipelineVersions({ meter, peak }: Versions): ReadonlyMap<string, number> {
  return new Map([
    ['MeterStats.build', meter],
    ['ParcelStats.build', meter],
    ['InvoiceStats.build', meter],
    ['MeterPeak.pick', peak],
    ['PeakStats.build', peak],
  ]);
}

export function classesOf({ meter, peak }: Versions): string {
  const value = valueOf(meter);
  const upgrade = meter === 1 ? '' : `, upgrade: ({ ${valueOf(meter - 1)}: ${value}, ...others }) => ({ ...others, ${value} })`;
  return `
@dataset({ version: ${meter}${upgrade} })
export class Meter {
  @key(t.string) meter; @field(t.int) number; @field(t.int) ${value}; @timestamp() at;
}
@dataset({ version: 1, index: true })
export class MeterStats {
  @key(t.string) meter; @field(t.int) readings; @field(t.int) total; @field(t.list(t.int)) numbers; @timestamp() at;
  @pipeline({ version: ${meter}, inputs: [Meter] })
  static build(readings) {
    return readings.groupBy('meter').aggregate({ readings: Count(), total: Sum({ of: '${value}' }), numbers: LastK({ of: 'number', k: 25 }) });
  }
}
@dataset({ version: ${peak}, publish: true })
export class MeterPeak {
  @key(t.string) meter; @field(t.int) number; @timestamp() at;
  @pipeline({ version: ${peak}, inputs: [Meter] })
  static pick(readings) { return readings.filter((r) => r.${value}.gte(${PEAK})).select('meter', 'number', 'at'); }
}
@dataset({ version: 1, index: true })
export class PeakStats {
  @key(t.string) meter; @field(t.int) peaks; @field(t.list(t.int)) numbers; @timestamp() at;
  @pipeline({ version: ${peak}, inputs: [MeterPeak] })
  static build(peaks) { return peaks.groupBy('meter').aggregate({ peaks: Count(), numbers: LastK({ of: 'number', k: 25 }) }); }
}
@featureset({ entity: 'meter' })
export class MeterSignals {
  @feature(t.string, { id: 1 }) meter;
  @feature(t.int, { id: 2, ref: [MeterStats, 'readings'] }) readings;
  @feature(t.int, { id: 3, ref: [MeterStats, 'total'] }) total;
  @feature(t.list(t.int), { id: 4, ref: [MeterStats, 'numbers'] }) numbers;
  @feature(t.int, { id: 5, ref: [PeakStats, 'peaks'] }) peaks;
  @feature(t.list(t.int), { id: 6, ref: [PeakStats, 'numbers'] }) peak_numbers;
}`;
}

export function valueOf(meter: number): (typeof VALUE_FIELDS)[number] {
  return meter % 2 === 1 ? VALUE_FIELDS[0] : VALUE_FIELDS[1];
}
