import { once } from 'node:events';
import type { ChildProcess } from 'node:child_process';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { QueryRequestSchema, QueryResponseSchema } from '../../../gen/thyme/v1/query_pb.js';
import { forkBench } from '../bench-child.js';
import { cpuClock, say, type Figure } from '../bench-report.js';
import { GrpcConnection } from '../grpc-connection.js';
import { lcg, userId, zipf } from '../orders.js';
import { RestConnection } from '../rest-connection.js';
import { grpcGenerator, restGenerator, type Generator } from './generators.js';
import { QUERY_PATH } from './query-path.js';

/** Bodies that are sent by turns: enough that the same user seldom comes twice in a row. */
const BODIES = 2_000;

export interface Served {
  /** For the generators' files. */
  readonly folder: string;
  readonly restUrl: string;
  /** `host:port` */
  readonly grpcTarget: string;
  readonly entities: number;
  readonly seconds: number;
}

/** This process's server beside bare ones, which answer a constant of the same size: same generator, same run, in turns. */
export async function bareFigures(served: Served): Promise<Figure[]> {
  return [...(await restFigures(served)), ...(await grpcFigures(served))];
}

async function restFigures({ folder, restUrl, entities, seconds }: Served): Promise<Figure[]> {
  const draw = zipf(entities, lcg(7));
  const bodies = Array.from({ length: BODIES }, () => bodyOf(userId(draw())));
  const connection = new RestConnection(restUrl);
  const { status, body } = await connection.post('/features', bodies[0] ?? '');
  connection.close();
  if (status !== 200) throw new Error(`${status}: ${body}`);
  const generator = await restGenerator(folder, bodies);
  const measured = await inTurns({ generator, url: restUrl, bare: 'limits/bare-rest', answer: body, seconds });
  return figuresOf('rest', 0.22, measured, `${generator.name}, 16 connections; the other is bare node:http`);
}

async function grpcFigures({ folder, grpcTarget, seconds }: Served): Promise<Figure[]> {
  const message = toBinary(
    QueryRequestSchema,
    create(QueryRequestSchema, {
      featureset: 'FraudSignals',
      entity: { values: [{ kind: { case: 'stringValue', value: userId(7) } }] },
      inputs: { cart_total: { kind: { case: 'floatValue', value: 900.5 } } },
    }),
  );
  const connection = new GrpcConnection(grpcTarget);
  const answer = await connection.call(QUERY_PATH, message); // rejects where it is refused, which h2load would not see
  connection.close();
  if (fromBinary(QueryResponseSchema, answer).features.length === 0) throw new Error('the answer has no features');
  const generator = await grpcGenerator(folder, message);
  const measured = await inTurns({
    generator,
    url: `http://${grpcTarget}`,
    bare: 'limits/bare-grpc',
    answer: answer.toString('base64'),
    seconds,
  });
  return figuresOf('grpc', 0.6, measured, `${generator.name}, 16 in flight, one warm entity; the other is bare grpc-js`);
}

function bodyOf(id: string): string {
  return `{"featureset":"FraudSignals","entity_id":"${id}","inputs":{"cart_total":900.5}}`;
}

interface Turns {
  readonly generator: Generator;
  readonly url: string;
  readonly bare: string;
  readonly answer: string;
  readonly seconds: number;
}

interface Measured {
  readonly perS: number;
  readonly cpuUs: number;
}

/** Warmed up, then each twice; the better of the two, since what disturbs one only ever slows it. */
async function inTurns({ generator, url, bare, answer, seconds }: Turns): Promise<{ readonly ours: Measured; readonly bare: Measured }> {
  const child = forkBench(bare, [answer]);
  const { url: bareUrl } = await told<{ readonly url: string }>(child);
  const bareCpu = async (): Promise<number> => {
    child.send('cpu');
    return (await told<{ readonly cpuUs: number }>(child)).cpuUs;
  };
  const ours = async (): Promise<Measured> => {
    const cpuUs = cpuClock();
    const { perS, count } = await generator.run(url, seconds);
    return { perS, cpuUs: cpuUs() / count };
  };
  const others = async (): Promise<Measured> => {
    const before = await bareCpu();
    const { perS, count } = await generator.run(bareUrl, seconds);
    return { perS, cpuUs: ((await bareCpu()) - before) / count };
  };
  await ours();
  await others();
  const rounds = [await ours(), await others(), await ours(), await others()] as const;
  child.disconnect();
  const result = { ours: better(rounds[0], rounds[2]), bare: better(rounds[1], rounds[3]) };
  say(`${generator.name}: ${Math.round(result.ours.perS)}/s, bare ${Math.round(result.bare.perS)}/s`);
  return result;
}

async function told<Message>(child: ChildProcess): Promise<Message> {
  const [message] = (await once(child, 'message')) as [Message]; // it sends what it says that it sends
  return message;
}

function better(a: Measured, b: Measured): Measured {
  return { perS: Math.max(a.perS, b.perS), cpuUs: Math.min(a.cpuUs, b.cpuUs) };
}

function figuresOf(
  name: 'rest' | 'grpc',
  atLeast: number,
  { ours, bare }: { readonly ours: Measured; readonly bare: Measured },
  note: string,
): Figure[] {
  return [
    { name: `${name}_ratio`, value: ours.perS / bare.perS, goal: { atLeast }, note },
    { name: `${name}_ratio_qps`, value: ours.perS },
    { name: `${name}_bare_qps`, value: bare.perS },
    { name: `${name}_ratio_cpu_us`, value: ours.cpuUs, note: 'CPU time of a read under that generator' },
    { name: `${name}_bare_cpu_us`, value: bare.cpuUs },
  ];
}
