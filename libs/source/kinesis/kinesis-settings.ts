import { awsEndpoint, wrongAwsParameter } from '../aws/aws-access.js';
import { type SourceSettings, textParameter } from '../source-settings.js';

/** Where a source begins: at the oldest record, at what comes from now on, or at what came from a time on (milliseconds). */
export type InitPosition = 'trim_horizon' | 'latest' | number;

export interface StreamSettings {
  readonly arn: string;
  readonly name: string;
  readonly region: string;
  readonly endpoint: string | undefined;
  readonly initPosition: InitPosition;
}

const ARN = /^arn:aws[\w-]*:kinesis:([a-z0-9-]+):\d{12}:stream\/([\w.-]{1,128})$/;
const ISO_TIME = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2}))?$/;

/** Throws a SourceError that names the parameter. */
export function streamSettings(settings: SourceSettings): StreamSettings {
  const arn = textParameter(settings, 'streamArn');
  const [, region, name] = ARN.exec(arn) ?? [];
  if (region === undefined || name === undefined)
    throw wrongAwsParameter(settings, `streamArn '${arn}' is none: write it as arn:aws:kinesis:REGION:ACCOUNT:stream/NAME`);
  const said = settings.source.config['region'];
  if (said !== undefined && said !== region)
    throw wrongAwsParameter(
      settings,
      `region is '${String(said)}', and streamArn names ${region}: leave region out, or correct one of the two`,
    );
  const format = String(settings.parameters.get('format') ?? 'json');
  if (format.toLowerCase() !== 'json') throw wrongAwsParameter(settings, `format '${format}' is not read from Kinesis: write json`);
  return { arn, name, region, endpoint: awsEndpoint(settings, 'endpointUrl'), initPosition: initPositionOf(settings) };
}

function initPositionOf(settings: SourceSettings): InitPosition {
  const given = String(settings.parameters.get('initPosition') ?? 'trim_horizon');
  const position = streamPlaceOf(given);
  if (position !== undefined) return position;
  throw wrongAwsParameter(settings, `initPosition '${given}' is none: write latest, trim_horizon, or a time such as 2026-01-31T12:00:00Z`);
}

/** A place in a stream, as people write it; undefined where it is none. */
export function streamPlaceOf(given: string): InitPosition | undefined {
  const word = given.toLowerCase();
  if (word === 'latest' || word === 'trim_horizon') return word;
  const timeMs = ISO_TIME.test(given) ? Date.parse(given) : Number.NaN;
  return Number.isFinite(timeMs) ? timeMs : undefined;
}
