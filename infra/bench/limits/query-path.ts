import { QueryService } from '../../../gen/thyme/v1/query_pb.js';

export const QUERY_PATH = `/${QueryService.typeName}/${QueryService.method.query.name}`;
