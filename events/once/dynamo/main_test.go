package dynamo_test

import (
	"context"
	"crypto/rand"
	"net/http"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"go.uber.org/goleak"

	"wildix-worker/events"
	"wildix-worker/events/once"
	"wildix-worker/events/once/dynamo"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// endpointVariable names a DynamoDB in which the tests may create tables.
const endpointVariable = "DYNAMODB_ENDPOINT"

// newClient returns a client as package dynamo recommends it.
func newClient(t *testing.T, endpoint string) *dynamodb.Client {
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	t.Cleanup(transport.CloseIdleConnections)
	return dynamodb.New(dynamodb.Options{
		Region:       "us-east-1",
		BaseEndpoint: &endpoint,
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
		HTTPClient:   &http.Client{Transport: transport, Timeout: 700 * time.Millisecond},
	})
}

// A table is a new table behind a proxy with faults.
type table struct {
	*proxy
	client *dynamodb.Client
	name   string
}

// newTable skips the test if there is no DynamoDB.
func newTable(t *testing.T) *table {
	t.Helper()
	endpoint := os.Getenv(endpointVariable)
	if endpoint == "" {
		t.Skipf("%s names no DynamoDB; .ci/servers start moto starts one", endpointVariable)
	}
	p := newProxy(t, endpoint)
	client := newClient(t, p.server.URL)
	name := "once-" + rand.Text()
	_, err := client.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName:            &name,
		BillingMode:          types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("key"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("key"), KeyType: types.KeyTypeHash}},
	})
	fatal(t, err)
	_, err = client.UpdateTimeToLive(t.Context(), &dynamodb.UpdateTimeToLiveInput{
		TableName:               &name,
		TimeToLiveSpecification: &types.TimeToLiveSpecification{Enabled: aws.Bool(true), AttributeName: aws.String("expires")},
	})
	fatal(t, err)
	t.Cleanup(func() {
		p.set(faultless)
		_, err := client.DeleteTable(context.WithoutCancel(t.Context()), &dynamodb.DeleteTableInput{TableName: &name})
		fatal(t, err)
	})
	return &table{p, client, name}
}

func (t *table) store() *dynamo.Store { return dynamo.New(t.client, t.name) }

// A handler counts its calls and returns the result of a function, or nil without one.
type handler struct {
	calls  atomic.Int64
	result func(context.Context) error
}

func (h *handler) HandleEvent(ctx context.Context, _ *events.Event) error {
	h.calls.Add(1)
	if h.result == nil {
		return nil
	}
	return h.result(ctx)
}

// wrapped returns the handler as a separate process would wrap it.
func wrapped(t *testing.T, h events.Handler, shared once.Store, policy once.Policy) events.Handler {
	t.Helper()
	middleware, err := once.New(once.Config{Name: "crm", Shared: shared, OnUnreachable: policy})
	fatal(t, err)
	return middleware(h)
}

// event returns an event of the usual size.
func event() *events.Event {
	return &events.Event{ID: "call", Type: "call:end", ReceiveCount: 1, Raw: make([]byte, 1000)}
}

// deliver delivers an event and returns the outcome, with the error if it is Failed.
func deliver(t *testing.T, h events.Handler, e *events.Event) (events.Outcome, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	return events.Dispatch(ctx, h, e)
}

// expect delivers an event that must have this outcome.
func expect(t *testing.T, h events.Handler, e *events.Event, want events.Outcome) {
	t.Helper()
	if got, err := deliver(t, h, e); got != want {
		t.Fatalf("%s (%v), want %s", got, err, want)
	}
}

func fatal(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
