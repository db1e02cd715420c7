import { command } from './command.js';
import { VERSION } from './version.js';

export const version = command({
  name: 'version',
  summary: 'which version of thyme this is, and of Node',
  parameters: '',
  positionalsMax: 0,
  flags: {},
  examples: ['thyme version', 'thyme version --json'],
  async run(_call, { terminal, json = false }) {
    const { node } = process.versions;
    terminal.out(json ? JSON.stringify({ thyme: VERSION, node }) : `thyme ${VERSION}, node ${node}`);
  },
});
