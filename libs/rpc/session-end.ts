import { constants, type Http2Session } from 'node:http2';
import type { CallTraffic } from './call-traffic.js';

/** What nghttp2 is doing while the door is told: node:http2 tells of a stream's begin and of its end in the middle of reading. */
export type Moment = 'a stream begins' | 'a stream ends';

/**
 * Closes a connection that goes too far: the one place that decides when. At once is best, in the middle of what was read: the
 * hundreds of calls that are still to come then cost nothing. Two faults of Node make it wait for a turn of its own:
 * while a stream ends nghttp2 may be about to free it, and frees it twice when its session ends meanwhile (node_http2.cc:
 * CheckAllocatedSize); and where answers are on their way a session that is destroyed within a read packs the data of its
 * other streams without an end (node_http2.cc: SendPendingData).
 */
export function endSession(session: Http2Session, calls: Iterable<CallTraffic>, moment: Moment): void {
  if (moment === 'a stream begins' && ![...calls].some(({ isAnswering }) => isAnswering)) destroyCalmly(session);
  else setImmediate(destroyCalmly, session);
}

function destroyCalmly(session: Http2Session): void {
  if (session.destroyed) return;
  session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM);
  session.destroy();
}
