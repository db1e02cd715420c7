import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { PLANTED_BUGS } from './bugs.js';
import { PLANTED_KAFKA_BUGS } from './kafka-bugs.js';

const ROOT = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '../..' : '../../..', import.meta.url));
/** RELIABILITY 8 names seven; a list that shrinks below this has lost some. */
const BUGS_MIN = 20;
/** And so many of what only Kafka has. */
const KAFKA_BUGS_MIN = 8;

const ALL_BUGS = [...PLANTED_BUGS, ...PLANTED_KAFKA_BUGS];

describe('the planted bugs', () => {
  it('can each be planted: their texts are there, once', () => {
    const stale = ALL_BUGS.flatMap(({ name, replacements }) => replacements.flatMap(({ file, find, replace }) => {
      const times = readFileSync(join(ROOT, file), 'utf8').split(find).length - 1;
      return times === 1 && replace !== find ? [] : [`${name}: ${file} has this ${times} times, change find and replace with it: ${find}`];
    }));
    expect(stale).to.deep.equal([]);
  });

  it('have suites that are there, and names of their own', () => {
    expect(ALL_BUGS.flatMap(({ suites }) => suites).filter((file) => !existsSync(join(ROOT, file)))).to.deep.equal([]);
    expect(new Set(ALL_BUGS.map(({ name }) => name)).size).to.equal(ALL_BUGS.length);
    expect(PLANTED_BUGS.length).to.be.at.least(BUGS_MIN);
    expect(PLANTED_KAFKA_BUGS.length).to.be.at.least(KAFKA_BUGS_MIN);
  });
});
