import { fork, type ChildProcess, type ForkOptions } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Starts a file of this folder as a process of its own, from source or compiled as this one is. */
export function forkBench(name: string, args: readonly string[], options: Pick<ForkOptions, 'env' | 'serialization'> = {}): ChildProcess {
  const file = fileURLToPath(new URL(`./${name}.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url));
  // Not with this process's profiler: it would write a second profile.
  return fork(file, args, { ...options, execArgv: process.execArgv.filter((flag) => !flag.startsWith('--cpu-prof')) });
}
