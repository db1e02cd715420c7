import type { Revision } from '../../libs/definition/revision.js';
import { sameTopics, timelinesWithTopics, type TimelineTopics } from '../../libs/definition/timeline-topics.js';

/**
 * Readers whose timelines the newest revision feeds from other topics than their first one did. No registry makes such a
 * revision any more; before identities named their topics, a raised dataset version did. What they have read belongs to the old
 * topic, so they read nothing of the new one: the next commit gives their pipelines timelines of their own. `revisions` are
 * newest first.
 */
export function misplacedReaders(revisions: readonly Revision[]): ReadonlySet<number> {
  const misplaced = new Set<number>();
  const [newest] = revisions;
  // A revision that names the topics was made by a registry that keeps to them.
  if (newest === undefined || newest.timelines.every(({ inputs }) => inputs !== undefined)) return misplaced;
  const first = new Map<number, TimelineTopics>();
  for (const revision of revisions) for (const timeline of timelinesWithTopics(revision)) first.set(timeline.id, timeline);
  for (const timeline of timelinesWithTopics(newest)) {
    const began = first.get(timeline.id);
    if (began !== undefined && !sameTopics(began, timeline)) misplaced.add(timeline.id);
  }
  return misplaced;
}
