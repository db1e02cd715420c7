import type { PartitionTask } from './partition-task.js';
import type { TaskEnvironment } from './task-environment.js';
import type { TaskInput } from './task-inputs.js';

/** Resolves when some input of the task may have more, when a revision comes, or when the signal aborts. */
export async function waitForInput(task: PartitionTask, { log, feed }: TaskEnvironment, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return; // its listeners were told already
  const waited = new AbortController();
  const stop = (): void => waited.abort();
  signal.addEventListener('abort', stop, { once: true });
  try {
    const waits: Promise<void>[] = [feed.waitForNewer(task.revision, waited.signal)];
    // Readers at the same place need one wait; a paused one waits for a revision.
    const places = new Map<string, Pick<TaskInput, 'source' | 'nextOffset'>>(
      task.inputs
        .filter((input) => !input.paused && input.waiting === undefined)
        .map((input) => [`${input.source.topic}/${input.source.partition}@${input.nextOffset}`, input]),
    );
    for (const upgrade of task.upgrades)
      for (const place of upgrade.waits) places.set(`${place.source.topic}/${place.source.partition}@${place.nextOffset}`, place);
    for (const { source, nextOffset } of places.values()) waits.push(log.waitFor(source, nextOffset, waited.signal));
    await Promise.race(waits);
    waited.abort();
    await Promise.allSettled(waits);
  } finally {
    waited.abort();
    signal.removeEventListener('abort', stop);
  }
}
