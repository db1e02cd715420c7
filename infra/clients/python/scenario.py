"""What a client does, over gRPC: python scenario.py HOST:PORT KEY, with what protoc generated on PYTHONPATH."""

import sys
from datetime import datetime, timezone

import grpc
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2, status_pb2

from thyme.v1 import ingest_pb2, ingest_pb2_grpc, query_pb2, query_pb2_grpc
from thyme.v1.values_pb2 import EntityKey, StructValue, Value

TARGET, KEY = sys.argv[1:3]
#: Every call has a deadline: without one it would wait for as long as the server may.
DEADLINE_S = 30.0
channel = grpc.insecure_channel(TARGET)
ingest = ingest_pb2_grpc.IngestServiceStub(channel)
queries = query_pb2_grpc.QueryServiceStub(channel)
call = {"metadata": [("authorization", f"Bearer {KEY}")], "timeout": DEADLINE_S}

now = Timestamp()
now.FromDatetime(datetime.now(timezone.utc))


def entity(key: str) -> EntityKey:
    return EntityKey(values=[Value(string_value=key)])


def order(user: str, amount: float) -> StructValue:
    fields = {"user_id": Value(string_value=user), "order_id": Value(string_value=f"{user}-1"), "amount": Value(float_value=amount)}
    return StructValue(fields={**fields, "ordered_at": Value(timestamp=now)})


# Push. With producer and sequence the same push may be sent again, and counts once.
push = ingest_pb2.LogRequest(dataset="Order", events=[order("py-ann", 40.0), order("py-bob", 2.5)], producer_id="python", sequence=0)
pushed = ingest.Log(push, **call)
assert pushed.events_sent == 2 and not pushed.errors, pushed
again = ingest.Log(push, **call)
refused = ingest.Log(ingest_pb2.LogRequest(dataset="Order", events=[StructValue()]), **call)
assert refused.events_sent == 0 and refused.errors[0].index == 0 and "user_id" in refused.errors[0].error, refused

# Query what was pushed, and again at the instant that it was answered for.
inputs = {"cart_total": Value(float_value=900.0)}
asked = {"featureset": "FraudSignals", "entity": entity("py-ann"), "inputs": inputs}
answer = queries.Query(query_pb2.QueryRequest(**asked, after=again.token), **call)
features = {feature.name: feature.value for feature in answer.features}
assert features["order_count_1h"].int_value == 1 and features["total_spend_24h"].float_value == 40.0, answer
assert features["is_suspicious"].bool_value and answer.query_run_id, answer
then = Timestamp()
then.FromMicroseconds(answer.as_of_us)
same = queries.Query(query_pb2.QueryRequest(**asked, timestamp=then), **call)
assert list(same.features) == list(answer.features) and same.as_of_us == answer.as_of_us, same

# A batch.
both = [entity("py-ann"), entity("py-bob"), entity("nobody")]
batch = queries.QueryBatch(query_pb2.QueryBatchRequest(featureset="FraudSignals", entities=both, inputs=inputs, after=again.token), **call)
spent = list(batch.features).index("total_spend_24h")
assert [row.values[spent].float_value for row in batch.rows] == [40.0, 2.5, 0.0], batch

# A training set: a stream of questions, and of their answers in the same order.
early = Timestamp(seconds=now.seconds - 60, nanos=now.nanos)
questions = [query_pb2.OfflineQuestion(entity=entity("py-ann"), timestamp=at, inputs=inputs) for at in (early, then)]
rows, names = [], []
for part in queries.QueryOffline(iter([query_pb2.QueryOfflineRequest(featureset="FraudSignals", questions=questions)]), **call):
    names = names or list(part.features)
    rows.extend(part.rows)
assert [row.values[names.index("order_count_1h")].int_value for row in rows] == [0, 1], rows

# A row of a dataset.
stats = queries.Lookup(query_pb2.LookupRequest(dataset="UserOrderStats", entity=entity("py-bob"), after=again.token), **call)
assert stats.row.fields["total_spend_7d"].float_value == 2.5, stats


def failure(method, request, metadata=call["metadata"]):
    """The status of a refusal, and the ErrorInfo and BadRequest that it carries."""
    try:
        method(request, metadata=metadata, timeout=DEADLINE_S)
    except grpc.RpcError as error:
        details = dict(error.trailing_metadata())["grpc-status-details-bin"]
        info, wrong = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        for detail in status_pb2.Status.FromString(details).details:
            detail.Unpack(info)
            detail.Unpack(wrong)
        return error.code(), info.reason, [violation.field for violation in wrong.field_violations]
    raise AssertionError("it was not refused")


unknown = failure(queries.Query, query_pb2.QueryRequest(featureset="FraudSignal", entity=entity("py-ann")))
assert unknown == (grpc.StatusCode.NOT_FOUND, "THYME_NOT_FOUND", []), unknown
twice = failure(queries.Query, query_pb2.QueryRequest(**asked, timestamp=then, timestamp_us=1))
assert twice == (grpc.StatusCode.INVALID_ARGUMENT, "THYME_INVALID_ARGUMENT", ["timestamp"]), twice
stranger = failure(queries.Query, query_pb2.QueryRequest(**asked), [("authorization", "Bearer thyme_nobody")])
assert stranger == (grpc.StatusCode.UNAUTHENTICATED, "THYME_UNAUTHENTICATED", []), stranger
print("done")
