import { commitFile } from '../../libs/cli/commit-command.js';
import { RestClient } from '../../libs/client/rest-client.js';
import type { Platform } from '../../services/program/platform.js';
import { startPlatform } from '../../services/program/serve-command.js';
import { loadServeConfig } from '../../services/program/serve-config.js';
import { FRAUD_MODULE } from './fraud-owner.js';

/** A gateway must be told where queries go; one that is only pushed to never asks there. */
const NO_QUERY = '127.0.0.1:1';

/**
 * All roles, or those named, in this process, on ports of their own, with the fraud example committed; more of its
 * environment on demand.
 */
export async function startFraudPlatform(
  dataDir: string,
  roles: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly platform: Platform; readonly restUrl: string }> {
  const variables = { THYME_LOG_LEVEL: 'warn', THYME_DATA_DIR: dataDir, THYME_REST_PORT: '0', THYME_GRPC_PORT: '0', ...env };
  const platform = await startPlatform(
    loadServeConfig(roles.length === 0 ? [] : ['--roles', roles.join(','), '--query', NO_QUERY], variables),
  );
  const restUrl = platform.restUrl ?? '';
  await commitFraud(restUrl, platform.folderKey);
  return { platform, restUrl };
}

/** Commits the fraud example to a gateway, by a key of scope admin. */
export async function commitFraud(restUrl: string, apiKey: string | undefined): Promise<void> {
  const quiet = { out: () => undefined, err: () => undefined, progress: () => undefined };
  await commitFile(FRAUD_MODULE, { client: new RestClient({ apiUrl: restUrl, apiKey }), terminal: quiet, webUrl: undefined });
}
