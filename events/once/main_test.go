package once_test

import (
	"context"
	"crypto/rand"
	"fmt"
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

// endpointVariable names a DynamoDB that the tests may make tables in.
const endpointVariable = "DYNAMODB_ENDPOINT"

// A table is one of the test's own, behind a path that has faults on request.
type table struct {
	*path
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
	p := newPath(t, endpoint)
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	t.Cleanup(transport.CloseIdleConnections)
	client := dynamodb.New(dynamodb.Options{
		Region:       "us-east-1",
		BaseEndpoint: &p.server.URL,
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
		HTTPClient:   &http.Client{Transport: transport, Timeout: 700 * time.Millisecond},
	})
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

func (t *table) memory() *dynamo.Store { return dynamo.New(t.client.PutItem, t.name) }

// everywhere runs a test with every kind of memory.
func everywhere(t *testing.T, test func(t *testing.T, memory once.Store)) {
	t.Run("local", func(t *testing.T) { test(t, once.NewLocal(once.DefaultKeys)) })
	t.Run("dynamodb", func(t *testing.T) { test(t, newTable(t).memory()) })
}

// event returns one of its own, as large as they usually are.
func event(n int) *events.Event {
	return &events.Event{ID: "call", Type: "call:end", ReceiveCount: 1, Raw: fmt.Appendf(nil, "%01000d", n)}
}

// A handler counts its calls and returns what it is told to.
type handler struct {
	calls  atomic.Int64
	answer func(context.Context) error
}

func (h *handler) HandleEvent(ctx context.Context, _ *events.Event) error {
	h.calls.Add(1)
	if h.answer == nil {
		return nil
	}
	return h.answer(ctx)
}

// wrapped returns the handler as a process of its own has it.
func wrapped(t testing.TB, h events.Handler, cfg once.Config) events.Handler {
	t.Helper()
	if cfg.Name == "" {
		cfg.Name = "crm"
	}
	remember, err := once.New(cfg)
	fatal(t, err)
	return remember(h)
}

// deliver returns the outcome and, when it is Failed, why.
func deliver(t testing.TB, h events.Handler, e *events.Event) (events.Outcome, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	return events.Dispatch(ctx, h, e)
}

// expect delivers an event that is to have this outcome.
func expect(t testing.TB, h events.Handler, e *events.Event, want events.Outcome) {
	t.Helper()
	if got, err := deliver(t, h, e); got != want {
		t.Fatalf("%s (%v), want %s", got, err, want)
	}
}

func fatal(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
