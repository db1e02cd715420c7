// One process of the platform for a bench: its roles and its folder are arguments, the rest is its environment. Says where it
// is reached once it is ready.
import { startPlatform } from '../../services/program/serve-command.js';
import { loadServeConfig } from '../../services/program/serve-config.js';

const [roles = '', dataDir = '', query = ''] = process.argv.slice(2);
const args = ['--roles', roles, '--data-dir', dataDir, ...(query === '' ? [] : ['--query', query])];
const { grpcTarget, restUrl } = await startPlatform(loadServeConfig(args, process.env));
process.send?.({ grpcTarget, restUrl: restUrl ?? '' });
process.once('disconnect', () => process.exit(1)); // the bench is gone
