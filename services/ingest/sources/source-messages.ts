import type { MessageInitShape } from '@bufbuild/protobuf';
import { SourceStatus_Phase as Phase, type SourceStatusSchema } from '../../../gen/thyme/v1/sources_pb.js';
import type { SourcePhase, SourceStatus } from './source-state.js';

const PHASE_OF: Readonly<Record<SourcePhase['kind'], Phase>> = {
  elsewhere: Phase.ELSEWHERE,
  starting: Phase.STARTING,
  reading: Phase.READING,
  waiting: Phase.WAITING,
  retrying: Phase.RETRYING,
  stopped: Phase.STOPPED,
  paused: Phase.PAUSED,
};

export function sourceStatusMessage(status: SourceStatus): MessageInitShape<typeof SourceStatusSchema> {
  const { phase, lag, successUs } = status;
  return {
    dataset: status.dataset,
    version: status.version,
    connector: status.connector,
    phase: PHASE_OF[phase.kind],
    cause: 'cause' in phase ? phase.cause : '',
    ...('sinceUs' in phase ? { sinceUs: BigInt(phase.sinceUs) } : {}),
    ...('untilUs' in phase ? { nextUs: BigInt(Math.round(phase.untilUs)) } : {}),
    position: status.position ?? '',
    rows: BigInt(status.rows),
    refused: BigInt(status.refused),
    rowsPerS: status.rowsPerS,
    ...(successUs === undefined ? {} : { successUs: BigInt(successUs) }),
    ...(lag.rows === undefined ? {} : { lagRows: BigInt(lag.rows) }),
    ...(lag.bytes === undefined ? {} : { lagBytes: BigInt(lag.bytes) }),
    ...(lag.seconds === undefined ? {} : { lagSeconds: lag.seconds }),
  };
}
