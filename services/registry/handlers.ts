import { create } from '@bufbuild/protobuf';
import {
  CommitResponseSchema,
  GetResponseSchema,
  ListResponseSchema,
  PlanResponseSchema,
  PlanResponse_Change_Kind as Kind,
  WatchResponseSchema,
  type Bundle,
  type CommitRequest,
  type CommitResponse,
  type GetRequest,
  type GetResponse,
  type ListRequest,
  type ListResponse,
  type PlanRequest,
  type PlanResponse,
  type RegistryService,
  type WatchRequest,
  type WatchResponse,
} from '../../gen/thyme/v1/registry_pb.js';
import type { Definitions as DefinitionsMessage } from '../../gen/thyme/v1/definitions_pb.js';
import type { DefinitionChange } from '../../libs/definition/compare.js';
import type { Revision } from '../../libs/definition/revision.js';
import { invalidArgument } from '../../libs/errors/errors.js';
import type { CallContext, ServiceHandlers } from '../../libs/rpc/handlers.js';
import { definitionsFromProto } from '../../libs/wire/definitions.js';
import { safeNumber, safeNumberIfAny } from '../../libs/wire/integers.js';
import { revisionToProto } from '../../libs/wire/revisions.js';
import type { Proposal } from './decide-commit.js';
import type { Registry } from './registry.js';

export interface RegistryHandlers {
  plan(request: PlanRequest, context: CallContext): Promise<PlanResponse>;
  commit(request: CommitRequest, context: CallContext): Promise<CommitResponse>;
  get(request: GetRequest, context: CallContext): Promise<GetResponse>;
  list(request: ListRequest, context: CallContext): Promise<ListResponse>;
  watch(request: WatchRequest, context: CallContext): AsyncGenerator<WatchResponse>;
}

const LIST_LENGTH_DEFAULT = 100;
const LIST_LENGTH_MAX = 1_000;

const KIND_OF: Readonly<Record<DefinitionChange['kind'], Kind>> = {
  added: Kind.ADDED,
  changed: Kind.CHANGED,
  removed: Kind.REMOVED,
  needsBackfill: Kind.NEEDS_BACKFILL,
  breaking: Kind.BREAKING,
};

/** The RPCs of RegistryService. A plan needs no right to commit, so it does not run the module's code. */
export function registryHandlers(registry: Registry): RegistryHandlers {
  return {
    async plan(request) {
      const { baseRevision, changes, problems, backfills } = await registry.plan(proposalOf(request), { runBundle: false });
      return create(PlanResponseSchema, {
        baseRevision: BigInt(baseRevision),
        changes: changes.map(changeToProto),
        problems: problems.map((problem) => ({ ...problem })),
        backfills: backfills.map(({ name, version, inputs, records, bytes }) => ({
          name,
          version,
          inputs: [...inputs],
          records: BigInt(records),
          bytes: BigInt(bytes),
        })),
      });
    },
    async commit(request, { signal }) {
      signal.throwIfAborted();
      const { revision, changes } = await registry.commit(proposalOf(request), {
        baseRevision: safeNumberIfAny(request.baseRevision, 'base_revision'),
        removes: request.removes,
      });
      return create(CommitResponseSchema, { revision: BigInt(revision), changes: changes.map(changeToProto) });
    },
    async get(request, { scopes }) {
      const revision = await registry.get(safeNumberIfAny(request.revision, 'revision'));
      return create(GetResponseSchema, { revision: tellableRevision(revision, scopes) });
    },
    async list({ limit }) {
      if (limit < 0) throw invalidArgument('limit', `is negative: send 1 to ${LIST_LENGTH_MAX}, or 0 for ${LIST_LENGTH_DEFAULT}`);
      const revisions = registry.list(Math.min(limit === 0 ? LIST_LENGTH_DEFAULT : limit, LIST_LENGTH_MAX));
      return create(ListResponseSchema, {
        revisions: revisions.map((revision) => ({ ...revision, number: BigInt(revision.number), createdUs: BigInt(revision.createdUs) })),
      });
    },
    async *watch({ fromRevision }, { signal, scopes }) {
      for await (const revision of registry.watch(safeNumber(fromRevision, 'from_revision'), signal))
        yield create(WatchResponseSchema, { revision: tellableRevision(revision, scopes) });
    },
  } satisfies ServiceHandlers<typeof RegistryService>;
}

/** The code is for those who may write or run it; others see which it is, by its hash. */
function tellableRevision(revision: Revision, scopes: CallContext['scopes']): ReturnType<typeof revisionToProto> {
  if (scopes?.has('admin') === true || scopes?.has('internal') === true) return revisionToProto(revision);
  return revisionToProto({ ...revision, bundle: { sha256: revision.bundle.sha256, code: '' } });
}

function proposalOf({
  definitions,
  bundle,
}: {
  readonly definitions?: DefinitionsMessage | undefined;
  readonly bundle?: Bundle | undefined;
}): Proposal {
  // A commit of nothing removes everything, so it must be said, not forgotten.
  if (definitions === undefined) throw invalidArgument('definitions', 'is missing: send the whole module; what it leaves out is removed');
  return { definitions: definitionsFromProto(definitions), bundle: { sha256: bundle?.sha256 ?? '', code: bundle?.code ?? '' } };
}

function changeToProto({ kind, place, message }: DefinitionChange): { kind: Kind; subject: string; detail: string } {
  return { kind: KIND_OF[kind], subject: place, detail: message };
}
