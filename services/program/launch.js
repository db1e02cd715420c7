#!/usr/bin/env node
// What `npx thyme` starts: in a checkout the program from source, in an installed package, which has no sources, the compiled one.
import { existsSync } from 'node:fs';
import module from 'node:module';

endWithShellOfNpx();
if (existsSync(new URL('./thyme.ts', import.meta.url))) {
  const { register } = await import('tsx/esm/api');
  register();
  await import('./thyme.ts');
} else {
  module.enableCompileCache?.(); // from Node 22 on: half of a start is reading code
  await import(new URL('../../dist/services/program/thyme.js', import.meta.url).href);
}

/**
 * `npx` starts a shell that starts this, and hands SIGTERM to the shell, which ends of it and hands it to nobody: the
 * server would go on without anyone who knows of it. So the shell's end is taken for the signal that it had.
 */
function endWithShellOfNpx() {
  if (process.env.npm_command !== 'exec') return;
  const shell = process.ppid;
  const watching = setInterval(() => {
    if (process.ppid === shell) return;
    clearInterval(watching);
    process.kill(process.pid, 'SIGTERM');
  }, 200);
  watching.unref();
}
