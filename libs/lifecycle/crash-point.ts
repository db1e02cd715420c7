/**
 * Named places where a test can make the process die, throw, stop or wait:
 * `THYME_CRASH=<name>[:nth][:kill|throw|stop|delay=ms]`. Without it a point is one comparison.
 */
type CrashAction = { readonly kind: 'kill' | 'throw' | 'stop' } | { readonly kind: 'delay'; readonly ms: number };

interface CrashPlan {
  readonly name: string;
  readonly action: CrashAction;
  /** Passes until it strikes; it strikes once. */
  passesLeft: number;
}

let plan: CrashPlan | undefined = parsePlan(process.env['THYME_CRASH']);

/** Strikes here, if this is the point and the pass that the plan names. */
export function crashPoint(name: string): void {
  if (plan === undefined || plan.name !== name) return;
  plan.passesLeft--;
  if (plan.passesLeft > 0) return;
  const { action } = plan;
  plan = undefined;
  strike(name, action);
}

/** For tests in one process: the plan in the spelling of `THYME_CRASH`, or none. */
export function planCrash(text: string | undefined): void {
  plan = parsePlan(text);
}

/** Whether the planned crash has struck: a case counts only if its fault was observed. */
export function crashStruck(): boolean {
  return plan === undefined;
}

function strike(name: string, action: CrashAction): void {
  // Seen by the supervisor even if nothing else is: a case counts only if its fault was observed.
  process.stderr.write(`crash point ${name}: ${action.kind}\n`);
  switch (action.kind) {
    case 'kill':
      process.kill(process.pid, 'SIGKILL');
      return;
    case 'stop':
      process.kill(process.pid, 'SIGSTOP');
      return;
    case 'delay':
      // Blocks on purpose: a stalled process does nothing else either.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, action.ms);
      return;
    case 'throw':
      throw new Error(`crash point ${name}`);
  }
}

function parsePlan(text: string | undefined): CrashPlan | undefined {
  if (text === undefined || text === '') return undefined;
  const [name = '', ...rest] = text.split(':');
  const nth = Number(rest.find((part) => /^\d+$/.test(part)) ?? 1);
  const action = rest.find((part) => !/^\d+$/.test(part)) ?? 'kill';
  return { name, passesLeft: nth, action: parseAction(action) };
}

function parseAction(text: string): CrashAction {
  const delay = /^delay=(\d+)$/.exec(text);
  if (delay !== null) return { kind: 'delay', ms: Number(delay[1]) };
  if (text === 'kill' || text === 'throw' || text === 'stop') return { kind: text };
  throw new Error(`THYME_CRASH: '${text}' is no action: use kill, throw, stop or delay=ms`);
}
