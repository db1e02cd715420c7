import { create, toBinary } from '@bufbuild/protobuf';
import { PlanRequestSchema } from '../../gen/thyme/v1/registry_pb.js';
import type { RestClient } from '../client/rest-client.js';
import { definitionsToProto } from '../wire/definitions.js';
import type { PlannedBackfill } from './backfill-estimate.js';
import { PROTOBUF_TYPE, type DefinitionModule } from './definition-module.js';

/** POST /api/v1/plan. */
export interface Plan {
  readonly base_revision: number;
  readonly changes: readonly PlannedChange[];
  readonly problems: readonly { readonly place: string; readonly message: string; readonly fix: string }[];
  readonly backfills: readonly PlannedBackfill[];
}

export interface PlannedChange {
  readonly kind: string;
  readonly subject: string;
  readonly detail: string;
}

/** What stands before a line, as in a diff. */
const SIGNS: ReadonlyMap<string, string> = new Map([
  ['added', '+'],
  ['removed', '-'],
  ['changed', '~'],
  ['needs_backfill', '~'],
  ['breaking', '!'],
]);

/** What a commit of the module would change, and the revision that this was found on. */
export async function planModule(
  { definitions, bundle }: Pick<DefinitionModule, 'definitions' | 'bundle'>,
  client: RestClient,
): Promise<Plan> {
  const request = create(PlanRequestSchema, { definitions: definitionsToProto(definitions), bundle });
  const response = await client.postRaw('/api/v1/plan', Uint8Array.from(toBinary(PlanRequestSchema, request)), PROTOBUF_TYPE);
  return JSON.parse(await response.text()) as Plan;
}

export function changeLine({ kind, subject, detail }: PlannedChange): string {
  return `${SIGNS.get(kind) ?? '?'} ${kind.replace('_', ' ')}  ${subject}: ${detail}`;
}
