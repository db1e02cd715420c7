import type { Clock } from '../time/clock.js';
import type { MetricsRegistry } from './metrics.js';

/** To write a thousand series takes milliseconds; Prometheus asks every few seconds, and whoever asks more often gets the same bytes. */
const KEPT_US = 1_000_000;

/** The metrics as text, at most a second old. All who ask within it share one copy. */
export function cachedMetrics(metrics: Pick<MetricsRegistry, 'render'>, clock: Pick<Clock, 'nowUs'>): () => Uint8Array {
  let bytes: Uint8Array | undefined;
  let writtenUs = 0;
  return () => {
    const nowUs = clock.nowUs();
    if (bytes === undefined || nowUs - writtenUs >= KEPT_US) [bytes, writtenUs] = [Buffer.from(metrics.render(), 'utf8'), nowUs];
    return bytes;
  };
}
