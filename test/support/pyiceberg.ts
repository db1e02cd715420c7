import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';

/** Runs each line of JSON `{ code }` in one namespace, and answers with what it left in `result`, or with its error. */
const LOOP = `
import base64, datetime, decimal, json, sys, traceback, uuid
def plain(value):
    if isinstance(value, decimal.Decimal): return format(value, 'f')
    if isinstance(value, (datetime.date, datetime.datetime)): return value.isoformat()
    if isinstance(value, (bytes, bytearray)): return base64.b64encode(value).decode()
    if isinstance(value, uuid.UUID): return str(value)
    raise TypeError(str(type(value)))
space = {}
out = sys.stdout
sys.stdout = sys.stderr
for line in sys.stdin:
    space['result'] = None
    try:
        exec(json.loads(line)['code'], space)
        answer = {'result': space['result']}
    except Exception:
        answer = {'error': traceback.format_exc()}
    print(json.dumps(answer, default=plain), file=out, flush=True)
`;

/** Whose Python has DuckDB. */
export const DUCKDB_VENV = 'bigquery';

export const pyicebergWhat =
  "pyiceberg (python3 -m venv ~/.cache/thyme-tools/pyiceberg && ~/.cache/thyme-tools/pyiceberg/bin/pip install 'pyiceberg[sql-sqlite,pyarrow,glue,pyiceberg-core]==0.12.*')";

export function hasPyIceberg(): boolean {
  return existsSync(program('pyiceberg'));
}

export const duckdbWhat = 'DuckDB for Python (.ci/run makes its venv, thyme-tools/bigquery)';

/** Beside BigQuery's emulator, which runs on it. */
export function hasDuckDb(): boolean {
  return existsSync(program(DUCKDB_VENV));
}

/** A process of Python with pyiceberg in it, which writes tables and says what stands in them. */
export class PyIceberg {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #answers: AsyncIterator<string>;
  readonly #lines: Interface;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(child: ChildProcess, lines: Interface) {
    this.#child = child;
    this.#lines = lines;
    this.#exited = once(child, 'exit');
    this.#answers = lines[Symbol.asyncIterator]();
  }

  /** `environment` is added to that of the process; `venv` has other libraries than pyiceberg. */
  static start(environment: Readonly<Record<string, string>> = {}, venv = 'pyiceberg'): PyIceberg {
    const child = spawn(program(venv), ['-u', '-c', LOOP], { stdio: ['pipe', 'pipe', 'ignore'], env: { ...process.env, ...environment } });
    if (child.stdout === null) throw new Error('Python has no output');
    return new PyIceberg(child, createInterface({ input: child.stdout }));
  }

  /** Resolves to what the code leaves in `result`: integers beyond 2^53 are best left there as text. One call runs after another. */
  run(code: string): Promise<unknown> {
    const turn = this.#last.then(async () => {
      this.#child.stdin?.write(`${JSON.stringify({ code })}\n`);
      const line = await this.#answers.next();
      if (line.done === true) throw new Error('Python has ended');
      const { result, error } = JSON.parse(line.value) as { readonly result: unknown; readonly error?: string };
      if (error !== undefined) throw new Error(error);
      return result;
    });
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async stop(): Promise<void> {
    this.#child.stdin?.end();
    await this.#exited;
    this.#lines.close();
  }
}

function program(venv: string): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'thyme-tools', venv, 'bin/python');
}
