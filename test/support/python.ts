import { execFileSync } from 'node:child_process';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Python with what .ci/run brings for clients: grpcio-tools and mypy. */
export const CLIENT_TOOLS = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'thyme-tools', 'clients', 'bin');

/** Whether a generated client can run here. */
export function hasPython(): boolean {
  try {
    execFileSync('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 9))'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
