import { commitFile } from '../../libs/cli/commit-command.js';
import { RestClient } from '../../libs/client/rest-client.js';
import type { Platform } from '../../services/platform.js';
import { startPlatform } from '../../services/serve-command.js';
import { loadServeConfig } from '../../services/serve-config.js';
import { FRAUD_MODULE } from './fraud-owner.js';

/** A gateway must be told where queries go; one that is only pushed to never asks there. */
const NO_QUERY = '127.0.0.1:1';

/** All roles, or those named, in this process, on ports of their own, with the fraud example committed. */
export async function startFraudPlatform(dataDir: string, roles: readonly string[] = []): Promise<{ readonly platform: Platform; readonly restUrl: string }> {
  const platform = await startPlatform(loadServeConfig(roles.length === 0 ? [] : ['--roles', roles.join(','), '--query', NO_QUERY], { THYME_LOG_LEVEL: 'warn', THYME_DATA_DIR: dataDir, THYME_REST_PORT: '0', THYME_GRPC_PORT: '0' }));
  const restUrl = platform.restUrl ?? '';
  const client = new RestClient({ apiUrl: restUrl });
  const quiet = { out: () => undefined, err: () => undefined, progress: () => undefined };
  await commitFile(FRAUD_MODULE, { client, terminal: quiet, webUrl: undefined });
  return { platform, restUrl };
}
