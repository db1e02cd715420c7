import { answerLines, batchLines } from './answer-tables.js';
import { command, printAnswer, UsageError } from './command.js';
import { entitiesOf, keyFieldsOf } from './entity-argument.js';
import { footer } from './footer.js';
import { inputsOf } from './inputs-argument.js';

export const query = command({
  name: 'query',
  summary: 'features of one or more entities, now or at a past instant',
  parameters: 'FEATURESET -e ENTITY',
  positionalsMax: 1,
  flags: {
    entity: { value: 'ENTITY', short: 'e', many: true, about: 'an entity; of a composite key origin=ATL,destination=ORD' },
    at: { value: 'TIME', about: 'as of this instant, such as 2026-01-31T12:00:00Z; now where it is absent' },
    'known-at': { value: 'TIME', about: 'by what the log had taken in by then' },
    after: { value: 'TOKEN', about: "waits for a push's records, by the token that it answered with" },
    inputs: { value: 'JSON', about: 'request-time inputs: an object, or a list with one for each entity' },
  },
  examples: [
    'thyme query AirportDelay -e ATL',
    'thyme query AirportDelay -e ATL -e ORD --at 2026-01-31T12:00:00Z',
    `thyme query FraudSignals -e user_42 --inputs '{"cart_total": 900}'`,
  ],
  async run({ positionals: [featureset], flags }, context) {
    if (featureset === undefined || flags.entity === undefined) throw new UsageError('name a featureset and at least one entity');
    const inputs = flags.inputs === undefined ? undefined : inputsOf(flags.inputs, flags.entity.length);
    const entities = await entitiesOf(flags.entity, keyFieldsOf(featureset, context));
    const shared = { featureset, timestamp: flags.at, known_at: flags['known-at'], after: flags.after, inputs };
    const answer =
      entities.length === 1
        ? await context.client.post('/features', { ...shared, entity_id: entities[0] })
        : await context.client.post('/features/batch', { ...shared, entity_ids: entities });
    printAnswer(context, answer.body, entities.length === 1 ? (body) => answerLines(body, ['FEATURE', 'VALUE']) : batchLines);
    footer(context, answer.queryRunId);
  },
});
