import { RestError } from '../client/rest-error.js';
import { createEnv, type Env } from '../config/env.js';
import { ThymeError } from '../errors/errors.js';
import { systemClock } from '../time/clock.js';
import { command, CommandError } from './command.js';
import { CHECKS, type Patient } from './doctor-checks.js';
import type { Finding } from './doctor-finding.js';
import { tableLines } from './table-lines.js';
import { VERSION } from './version.js';

export const doctor = command({
  name: 'doctor',
  summary: 'what is wrong with a deployment, or soon will be, and what to do',
  parameters: '',
  positionalsMax: 0,
  flags: {
    brokers: {
      value: 'HOST:PORT',
      about: "looks at Kafka's settings too; THYME_KAFKA_BROKERS where it is absent, and the other THYME_KAFKA_* with it",
    },
  },
  examples: ['thyme doctor', 'thyme doctor --brokers kafka-1:9092,kafka-2:9092', 'thyme doctor --json | jq .[].fix'],
  async run({ flags: { brokers } }, { client, terminal, env: given = createEnv({}), json = false }) {
    // Whoever does not answer is the first finding; what else would be asked of it is unknown.
    await client.getRaw('/openapi.json');
    const patient: Patient = {
      client,
      version: VERSION,
      clock: systemClock,
      env: brokers === undefined ? given : withBrokers(given, brokers),
    };
    const findings = (await Promise.all(CHECKS.map((check) => examined(check, patient)))).flat();
    if (json) terminal.out(JSON.stringify(findings, null, 2));
    else
      for (const line of tableLines(
        ['', 'CHECK', 'FINDING'],
        findings.map(({ state, check, detail }) => [state, check, detail]),
      ))
        terminal.out(line);
    if (!json) for (const { check, fix } of findings) if (fix !== null) terminal.out(`${check}: ${fix}`);
    const failed = findings.filter(({ state }) => state === 'failed');
    if (failed.length > 0) throw new CommandError(`${failed.map(({ check }) => check).join(', ')} failed`);
  },
});

function withBrokers(env: Env, brokers: string): Env {
  const named = createEnv({ brokers }).list('brokers');
  return { ...env, list: (name) => (name === 'THYME_KAFKA_BROKERS' ? named : env.list(name)) };
}

/** A check that the deployment does not let us make is unknown, with the reason. */
async function examined({ name, run }: (typeof CHECKS)[number], patient: Patient): Promise<readonly Finding[]> {
  try {
    return await run(patient);
  } catch (error) {
    if (!(error instanceof RestError || error instanceof ThymeError)) throw error;
    const isKey = error instanceof RestError && (error.status === 401 || error.status === 403);
    const fix = isKey ? 'name a key of scope admin by THYME_API_KEY, to have this looked at as well' : null;
    return [{ check: name, state: 'unknown', detail: error.message.split('\n')[0] ?? '', fix }];
  }
}
