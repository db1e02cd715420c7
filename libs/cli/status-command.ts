import { statusLines } from './answer-tables.js';
import { command, printAnswer } from './command.js';

export const status = command({
  name: 'status',
  summary: 'what is committed and how far the pipelines are',
  parameters: '',
  positionalsMax: 0,
  flags: {},
  examples: ['thyme status', 'thyme status | jq .datasets'],
  async run(_call, context) {
    printAnswer(context, (await context.client.get('/api/v1/status')).body, statusLines);
  },
});
