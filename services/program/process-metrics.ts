import { readdirSync, statfsSync } from 'node:fs';
import { descriptorLimit } from '../../libs/limits/descriptor-limit.js';
import type { Labels, MetricsRegistry } from '../../libs/telemetry/metrics.js';

/** What the machine gives the process, read when it is asked for; series are absent where the system does not say. */
export function processMetrics(metrics: MetricsRegistry, dataDir: string | undefined): void {
  const gauge = (name: string, help: string, read: () => number): void =>
    metrics.seriesOf('gauge', { name, help }, function* (): Generator<readonly [Labels, number]> {
      const value = known(read);
      if (value !== undefined) yield [{}, value];
    });
  gauge('thyme_process_descriptors', 'File descriptors that the process has open.', () => readdirSync('/proc/self/fd').length);
  gauge('thyme_process_descriptor_limit', 'File descriptors that it may have open.', descriptorLimit);
  if (dataDir === undefined) return;
  gauge('thyme_disk_free_bytes', 'Free bytes where the data folder lies.', () => blocks(dataDir).free);
  gauge('thyme_disk_size_bytes', 'All bytes there.', () => blocks(dataDir).size);
}

function blocks(path: string): { readonly free: number; readonly size: number } {
  const { bavail, blocks: count, bsize } = statfsSync(path);
  return { free: bavail * bsize, size: count * bsize };
}

function known(read: () => number): number | undefined {
  try {
    const value = read();
    return Number.isFinite(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
