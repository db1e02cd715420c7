// What a client does, over gRPC: go run ./scenario HOST:PORT KEY.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"slices"
	"time"

	pb "example.com/thyme-client/gen/thyme/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Every call has a deadline: without one it would wait for as long as the server may.
const deadline = 30 * time.Second

func main() {
	log.SetFlags(0)
	if len(os.Args) != 3 {
		log.Fatal("usage: scenario HOST:PORT KEY")
	}
	connection, err := grpc.NewClient(os.Args[1], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	defer connection.Close()
	s := scenario{pb.NewIngestServiceClient(connection), pb.NewQueryServiceClient(connection), timestamppb.Now()}
	ctx, cancel := context.WithTimeout(withKey(context.Background(), os.Args[2]), deadline)
	defer cancel()
	token := s.push(ctx)
	asOf := s.query(ctx, token)
	s.batch(ctx, token)
	s.offline(ctx, asOf)
	s.lookup(ctx, token)
	s.refusals(ctx)
	fmt.Println("done")
}

type scenario struct {
	ingest  pb.IngestServiceClient
	queries pb.QueryServiceClient
	now     *timestamppb.Timestamp
}

func withKey(ctx context.Context, key string) context.Context {
	return metadata.NewOutgoingContext(ctx, metadata.Pairs("authorization", "Bearer "+key))
}

func text(value string) *pb.Value   { return &pb.Value{Kind: &pb.Value_StringValue{StringValue: value}} }
func float(value float64) *pb.Value { return &pb.Value{Kind: &pb.Value_FloatValue{FloatValue: value}} }
func entity(key string) *pb.EntityKey {
	return &pb.EntityKey{Values: []*pb.Value{text(key)}}
}

var inputs = map[string]*pb.Value{"cart_total": float(900)}

func (s scenario) order(user string, amount float64) *pb.StructValue {
	return &pb.StructValue{Fields: map[string]*pb.Value{
		"user_id": text(user), "order_id": text(user + "-1"), "amount": float(amount),
		"ordered_at": {Kind: &pb.Value_Timestamp{Timestamp: s.now}},
	}}
}

// push sends two orders twice. With producer and sequence they count once.
func (s scenario) push(ctx context.Context) string {
	request := &pb.LogRequest{
		Dataset: "Order", Events: []*pb.StructValue{s.order("go-ann", 40), s.order("go-bob", 2.5)},
		ProducerId: "go", Sequence: proto.Int64(0),
	}
	pushed := must(s.ingest.Log(ctx, request))
	require(pushed.EventsSent == 2 && len(pushed.Errors) == 0, pushed)
	refused := must(s.ingest.Log(ctx, &pb.LogRequest{Dataset: "Order", Events: []*pb.StructValue{{}}}))
	require(refused.EventsSent == 0 && len(refused.Errors) == 1, refused)
	return must(s.ingest.Log(ctx, request)).Token
}

// query reads what was pushed, and again at the instant that it was answered for.
func (s scenario) query(ctx context.Context, token string) *timestamppb.Timestamp {
	asked := &pb.QueryRequest{Featureset: "FraudSignals", Entity: entity("go-ann"), Inputs: inputs, After: token}
	answer := must(s.queries.Query(ctx, asked))
	features := map[string]*pb.Value{}
	for _, feature := range answer.Features {
		features[feature.Name] = feature.Value
	}
	require(features["order_count_1h"].GetIntValue() == 1 && features["is_suspicious"].GetBoolValue(), answer)
	asOf := timestamppb.New(time.UnixMicro(answer.AsOfUs))
	again := must(s.queries.Query(ctx, &pb.QueryRequest{Featureset: asked.Featureset, Entity: asked.Entity, Inputs: inputs, Timestamp: asOf}))
	require(again.AsOfUs == answer.AsOfUs && slices.EqualFunc(again.Features, answer.Features, func(a, b *pb.FeatureValue) bool { return proto.Equal(a, b) }), again)
	return asOf
}

func (s scenario) batch(ctx context.Context, token string) {
	entities := []*pb.EntityKey{entity("go-ann"), entity("go-bob"), entity("nobody")}
	batch := must(s.queries.QueryBatch(ctx, &pb.QueryBatchRequest{Featureset: "FraudSignals", Entities: entities, Inputs: inputs, After: token}))
	spent := slices.Index(batch.Features, "total_spend_24h")
	require(len(batch.Rows) == 3 && batch.Rows[0].Values[spent].GetFloatValue() == 40 && batch.Rows[1].Values[spent].GetFloatValue() == 2.5, batch)
}

// offline asks for a training set: a stream of questions, and of their answers in the same order.
func (s scenario) offline(ctx context.Context, asOf *timestamppb.Timestamp) {
	stream := must(s.queries.QueryOffline(ctx))
	early := timestamppb.New(s.now.AsTime().Add(-time.Minute))
	for i, at := range []*timestamppb.Timestamp{early, asOf} {
		part := &pb.QueryOfflineRequest{Questions: []*pb.OfflineQuestion{{Entity: entity("go-ann"), Timestamp: at, Inputs: inputs}}}
		if i == 0 {
			part.Featureset = "FraudSignals"
		}
		check(stream.Send(part))
	}
	check(stream.CloseSend())
	var names []string
	var counts []int64
	for {
		part, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		check(err)
		if names == nil {
			names = part.Features
		}
		for _, row := range part.Rows {
			counts = append(counts, row.Values[slices.Index(names, "order_count_1h")].GetIntValue())
		}
	}
	require(slices.Equal(counts, []int64{0, 1}), counts)
}

func (s scenario) lookup(ctx context.Context, token string) {
	stats := must(s.queries.Lookup(ctx, &pb.LookupRequest{Dataset: "UserOrderStats", Entity: entity("go-bob"), After: token}))
	require(stats.Row.Fields["total_spend_7d"].GetFloatValue() == 2.5, stats)
}

func (s scenario) refusals(ctx context.Context) {
	_, err := s.queries.Query(ctx, &pb.QueryRequest{Featureset: "FraudSignal", Entity: entity("go-ann")})
	requireRefusal(err, codes.NotFound, "THYME_NOT_FOUND", "")
	both := &pb.QueryRequest{Featureset: "FraudSignals", Entity: entity("go-ann"), Inputs: inputs, Timestamp: s.now, TimestampUs: proto.Int64(1)}
	_, err = s.queries.Query(ctx, both)
	requireRefusal(err, codes.InvalidArgument, "THYME_INVALID_ARGUMENT", "timestamp")
	_, err = s.queries.Query(withKey(ctx, "thyme_nobody"), &pb.QueryRequest{Featureset: "FraudSignals", Entity: entity("go-ann")})
	requireRefusal(err, codes.Unauthenticated, "THYME_UNAUTHENTICATED", "")
}

// requireRefusal looks at the status, at the code in its ErrorInfo, and at the field that its BadRequest names.
func requireRefusal(err error, code codes.Code, reason string, field string) {
	refusal := status.Convert(err)
	var foundReason, foundField string
	for _, detail := range refusal.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			foundReason = detail.Reason
		case *errdetails.BadRequest:
			foundField = detail.FieldViolations[0].Field
		}
	}
	require(refusal.Code() == code && foundReason == reason && foundField == field, err)
}

func must[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func require(holds bool, found any) {
	if !holds {
		log.Panicf("not as expected: %v", found)
	}
}
