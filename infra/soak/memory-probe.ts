// Loaded in front of a process that is soaked: on SIGUSR2 it collects its garbage and says what is left, on standard
// error. What only looks like growth, because nobody has collected yet, would hide what is.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void; // as V8 gives it

let number = 0;

process.on('SIGUSR2', () => {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  process.stderr.write(`memory ${JSON.stringify({ number: ++number, heapUsed, external })}\n`);
});
