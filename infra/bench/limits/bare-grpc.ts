// What grpc-js itself can do: takes a message and answers a constant, both as bytes. A process of its own; its argument is the answer in
// base64. Says where it is reached, and then, whenever it is asked, what CPU time it has spent.
import { Server, ServerCredentials, type sendUnaryData, type ServerUnaryCall } from '@grpc/grpc-js';
import { QUERY_PATH } from './query-path.js';
import { tellCpu } from './tell-cpu.js';

const answer = Buffer.from(process.argv[2] ?? '', 'base64');
const asTheyAre = (bytes: Buffer): Buffer => bytes;
const server = new Server();
server.addService(
  {
    query: {
      path: QUERY_PATH,
      requestStream: false,
      responseStream: false,
      requestSerialize: asTheyAre,
      requestDeserialize: asTheyAre,
      responseSerialize: asTheyAre,
      responseDeserialize: asTheyAre,
    },
  },
  { query: (_call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>) => callback(null, answer) },
);
server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  process.send?.({ url: `http://127.0.0.1:${port}` });
});
tellCpu();
