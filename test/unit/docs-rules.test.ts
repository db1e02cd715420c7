// The page about the rules: each rule that is cited anywhere has its heading there, with an example.
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { RAW_VALUES_MAX } from '../../libs/timeline/geometry.js';
import { FAILURES_IN_A_ROW_MAX } from '../../services/aggregator/timeline-feed.js';
import { PRODUCER_BATCH_RECORDS_MAX } from '../../services/ingest/ingest-limits.js';
import { trackedFiles } from '../tidy/source-files.js';

/** `S1` to `S26`, with a letter where one was put between. */
const RULE = /\bS\d{1,2}a?\b/g;
const WHERE_RULES_ARE_CITED = [
  'libs/*.ts',
  'libs/*.tsx',
  'services/*.ts',
  'services/*.tsx',
  'proto/*.proto',
  'docs/*.md',
  'README.md',
  'ARCHITECTURE.md',
];

describe('the page about the rules', () => {
  const page = readFileSync('docs/rules.md', 'utf8');
  const sections = page.split(/^## /m).slice(1);
  const headings = sections.map((section) => section.slice(0, section.indexOf('\n')));

  it('has S1 to S26, S19a and S25a, once each', () => {
    const numbered = Array.from({ length: 26 }, (_, i) => `S${i + 1}`);
    expect([...headings].sort()).to.deep.equal([...numbered, 'S19a', 'S25a'].sort());
  });

  it('has every rule that sources, interfaces and documents cite', () => {
    const cited = new Set(trackedFiles(WHERE_RULES_ARE_CITED).flatMap((path) => readFileSync(path, 'utf8').match(RULE) ?? []));
    expect(cited.size).to.be.at.least(25);
    expect([...cited].filter((rule) => !headings.includes(rule))).to.deep.equal([]);
  });

  it('says each in a sentence, and gives an example', () => {
    const lacking = sections.filter((section) => !/^\S+\n\n\*\*[A-Z"`][^]+\n\n\*Example:\* /.test(section));
    expect(lacking.map((section) => section.slice(0, 80))).to.deep.equal([]);
  });

  it('leads to each from its table', () => {
    const [table = ''] = page.split(/^## /m);
    const linked = [...table.matchAll(/\[(S\d+a?)\]\(#(s\d+a?)\)/g)].map(([, rule = '', anchor = '']) => ({ rule, anchor }));
    expect(linked.map(({ rule }) => rule).sort()).to.deep.equal([...headings].sort());
    expect(linked.filter(({ rule, anchor }) => rule.toLowerCase() !== anchor)).to.deep.equal([]);
  });

  it('has the limits that hold', () => {
    const section = (rule: string): string => sections.find((text) => text.startsWith(`${rule}\n`)) ?? '';
    expect(section('S9')).to.include(RAW_VALUES_MAX.toLocaleString('en-US'));
    expect(section('S13')).to.include(PRODUCER_BATCH_RECORDS_MAX.toLocaleString('en-US'));
    expect(section('S23')).to.include(FAILURES_IN_A_ROW_MAX.toLocaleString('en-US'));
  });
});
