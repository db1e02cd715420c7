// What the worker of rehearse-bundle.ts runs: one bundle after the other, as they are sent.
import { parentPort } from 'node:worker_threads';
import { collectDefinitions } from '../../libs/definition/collect.js';
import { evaluateBundle } from '../../libs/definition/evaluate-bundle.js';
import type { WorkerWord } from './rehearse-bundle.js';

const say = (word: WorkerWord): void => parentPort?.postMessage(word);

parentPort?.on('message', (code: string) => {
  say('started');
  try {
    collectDefinitions(evaluateBundle(code));
  } catch {
    // The registry loads it next, and says what is wrong with it.
  }
  say('loaded');
});
