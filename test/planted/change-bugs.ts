// Bugs in how updates and deletes are taken back (S17), one at a time like those of bugs.ts.
import type { PlantedBug } from './bugs.js';

const ENDS = 'test/property/timeline-ends.test.ts';
const CHANGES = 'test/property/changes-oracle.test.ts';

export const PLANTED_CHANGE_BUGS: readonly PlantedBug[] = [
  {
    name: 'a version counts before it replaces the one before',
    rules: 'S17',
    replacements: [
      {
        file: 'libs/timeline/cover.ts',
        find: 'page.field(index, ENTRY_START_MAX) <= bounds.toUs;',
        replace: 'page.field(index, ENTRY_START_MAX) < Number.POSITIVE_INFINITY;',
      },
    ],
    suite: ENDS,
    noticedBy: 'answers as a loop over rows and their ends does',
  },
  {
    name: 'what has ended counts at no earlier instant',
    rules: 'S17',
    replacements: [
      { file: 'libs/timeline/window-view.ts', find: 'this.ended = endedWithin(pages, bounds);', replace: 'this.ended = undefined;' },
    ],
    suite: ENDS,
    noticedBy: 'answers as a loop over rows and their ends does',
  },
  {
    name: 'a digest keeps what was taken out of it',
    rules: 'S9, S17',
    replacements: [
      { file: 'libs/timeline/digest-seals.ts', find: '      return takeOut(digest, value);\n', replace: '      return digest;\n' },
    ],
    suite: ENDS,
    noticedBy: 'holds for several thousand rows, with digests that have lost values',
  },
  {
    name: 'an end goes to the group of the row as it is now',
    rules: 'S17',
    replacements: [
      { file: 'services/aggregator/pipeline-run.ts', find: 'endOf(ended, {', replace: 'endOf({ ...ended, row: record.row }, {' },
    ],
    suite: CHANGES,
    noticedBy: 'answers, books and replicas agree on 3 partitions',
  },
  {
    name: 'an older change replaces a newer one',
    rules: 'S17',
    replacements: [
      {
        file: 'services/aggregator/row-step.ts',
        find: 'statedUs < before.changeTimeUs)',
        replace: 'statedUs < before.eventTimeUs - 1e15)',
      },
    ],
    suite: CHANGES,
    noticedBy: 'answers, books and replicas agree on 3 partitions',
  },
];
