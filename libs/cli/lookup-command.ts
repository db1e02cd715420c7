import { answerLines } from './answer-tables.js';
import { command, printAnswer, UsageError } from './command.js';
import { datasetKeys, entitiesOf, type AskedEntity } from './entity-argument.js';
import { footer } from './footer.js';

export const lookup = command({
  name: 'lookup',
  summary: 'the row of a dataset, without extractors',
  parameters: 'DATASET -e ENTITY',
  positionalsMax: 1,
  flags: {
    entity: { value: 'ENTITY', short: 'e', about: 'the key; of a composite one origin=ATL,destination=ORD' },
    at: { value: 'TIME', about: 'as of this instant; now where it is absent' },
  },
  examples: ['thyme lookup OriginStats -e ATL', 'thyme lookup Flight@1 -e ATL'],
  async run({ positionals: [dataset], flags }, context) {
    if (dataset === undefined || flags.entity === undefined) throw new UsageError('name a dataset and an entity');
    const [entity = flags.entity] = await entitiesOf([flags.entity], () => datasetKeys(dataset, context.client));
    const answer = await context.client.get('/features', { entity_type: dataset, timestamp: flags.at, ...entityParameters(entity) });
    printAnswer(context, answer.body, (body) => answerLines(body, ['FIELD', 'VALUE']));
    footer(context, answer.queryRunId);
  },
});

function entityParameters(entity: AskedEntity): Readonly<Record<string, string>> {
  if (typeof entity === 'string') return { entity_id: entity };
  return Object.fromEntries(Object.entries(entity).map(([name, value]) => [`entity.${name}`, value]));
}
