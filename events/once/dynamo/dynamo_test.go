package dynamo_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"wildix-worker/events"
	"wildix-worker/events/once"
	"wildix-worker/events/once/dynamo"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		connections.CloseIdleConnections()
		os.Exit(code)
	}))
}

var connections = &http.Transport{MaxIdleConnsPerHost: 64}

// a table on the server of DYNAMODB_ENDPOINT, which make test-all starts.
type table struct {
	*dynamodb.Client
	name     string
	endpoint string
}

func newTable(t *testing.T) *table {
	t.Helper()
	endpoint := os.Getenv("DYNAMODB_ENDPOINT")
	if endpoint == "" {
		t.Skip("DYNAMODB_ENDPOINT names no DynamoDB; make test-all starts one")
	}
	tb := &table{clientOf(endpoint), "once-" + rand.Text(), endpoint}
	_, err := tb.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName:            &tb.name,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("key"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("key"), KeyType: types.KeyTypeHash}},
		BillingMode:          types.BillingModePayPerRequest,
	})
	fatal(t, err)
	t.Cleanup(func() {
		_, err := tb.DeleteTable(context.WithoutCancel(t.Context()), &dynamodb.DeleteTableInput{TableName: &tb.name})
		fatal(t, err)
	})
	return tb
}

func clientOf(endpoint string) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: &endpoint,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		HTTPClient:  &http.Client{Transport: connections},
	})
}

func (tb *table) memory() *dynamo.Memory { return dynamo.New(tb.Client, tb.name) }

func fatal(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func event(id string) *events.Event { return &events.Event{ID: id, Raw: []byte(id)} }

func key(name string) once.Key {
	k := once.Key{Handler: "crm"}
	copy(k.Delivery[:], name)
	return k
}

func want(t *testing.T, m once.Memory, name string, owner uint64, lease time.Duration, state once.State) time.Duration {
	t.Helper()
	answer, err := m.Begin(t.Context(), key(name), owner, lease)
	if err != nil || answer.State != state {
		t.Fatalf("%s for %d: %+v, error %v, want state %d", name, owner, answer, err, state)
	}
	return answer.Wait
}

func TestStatesOfAnEvent(t *testing.T) {
	m, ctx := newTable(t).memory(), t.Context()
	const a, b, c = 1, 2, 3
	want(t, m, "1", a, time.Minute, once.Begun)
	want(t, m, "1", a, time.Minute, once.Begun) // a repeated request
	if wait := want(t, m, "1", b, time.Minute, once.InProgress); wait < 30*time.Second || wait > time.Minute {
		t.Errorf("in progress for %s", wait)
	}
	fatal(t, m.Release(ctx, key("1"), b))
	want(t, m, "1", b, time.Minute, once.InProgress) // it was not b's to give back
	fatal(t, m.Release(ctx, key("1"), a))
	want(t, m, "1", b, time.Minute, once.Begun)
	fatal(t, m.Done(ctx, key("1"), time.Hour))
	want(t, m, "1", c, time.Minute, once.Done)
	fatal(t, m.Release(ctx, key("1"), b))
	want(t, m, "1", c, time.Minute, once.Done)

	want(t, m, "2", a, -time.Second, once.Begun) // a worker that crashed some time ago
	want(t, m, "2", b, time.Minute, once.Begun)
	fatal(t, m.Release(ctx, key("2"), a)) // it was only slow
	want(t, m, "2", c, time.Minute, once.InProgress)
	fatal(t, m.Done(ctx, key("2"), time.Hour)) // by a: the effect has happened
	want(t, m, "2", c, time.Minute, once.Done)
}

// wrap has a handler remember in the table.
func wrap(t *testing.T, shared once.Memory, policy once.Policy, log *zap.Logger, h events.HandlerFunc) events.Handler {
	t.Helper()
	remember, err := once.New(once.Config{Name: "crm", Shared: shared, OnUnreachable: policy, Logger: log})
	fatal(t, err)
	return remember(h)
}

func TestOneOfManyWorkersGetsTheEvent(t *testing.T) {
	const keys, workers = 200, 4
	tb := newTable(t)
	var calls [keys]atomic.Int64
	var working sync.WaitGroup
	for range workers {
		h := wrap(t, dynamo.New(clientOf(tb.endpoint), tb.name), once.Wait, nil, func(_ context.Context, e *events.Event) error {
			var i int
			fmt.Sscan(e.ID, &i)
			calls[i].Add(1)
			return nil
		})
		working.Go(func() {
			for i := range keys {
				outcome, err := events.Dispatch(t.Context(), h, event(fmt.Sprint(i)))
				_, inProgress := events.RetryDelay(err)
				if outcome == events.Failed && !inProgress {
					t.Error(err)
				}
			}
		})
	}
	working.Wait()
	for i := range calls {
		if n := calls[i].Load(); n != 1 {
			t.Errorf("event %d was handled %d times", i, n)
		}
	}
}

// DynamoDB deletes late.
func TestExpiredItemIsTakenForDeleted(t *testing.T) {
	tb := newTable(t)
	m := tb.memory()
	fatal(t, m.Done(t.Context(), key("1"), -time.Minute))
	want(t, m, "1", 1, time.Minute, once.Begun)
	fatal(t, m.Done(t.Context(), key("1"), time.Hour))
	want(t, m, "1", 2, time.Minute, once.Done)
	item, err := tb.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &tb.name, Key: map[string]types.AttributeValue{"key": &types.AttributeValueMemberS{Value: key("1").String()}}})
	fatal(t, err)
	var expires int64
	fmt.Sscan(item.Item["expires"].(*types.AttributeValueMemberN).Value, &expires)
	if left := time.Until(time.Unix(expires, 0)); left < 59*time.Minute || left > 61*time.Minute {
		t.Errorf("what is done is kept for %s", left)
	}
}

func TestCheckChangesNothingAndFindsWhatIsWrong(t *testing.T) {
	tb := newTable(t)
	fatal(t, tb.memory().Check(t.Context()))
	out, err := tb.Scan(t.Context(), &dynamodb.ScanInput{TableName: &tb.name})
	fatal(t, err)
	if out.Count != 0 {
		t.Errorf("the check left %d items", out.Count)
	}
	err = dynamo.New(tb.Client, "missing").Check(t.Context())
	if _, ok := errors.AsType[*types.ResourceNotFoundException](err); !ok {
		t.Errorf("a missing table: %v", err)
	}
}

// A line is the way to the table, which can be cut.
type line struct {
	*httptest.Server
	cut atomic.Bool
}

func newLine(t *testing.T, tb *table) *line {
	target, err := url.Parse(tb.endpoint)
	fatal(t, err)
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.Transport = connections
	l := &line{}
	l.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if l.cut.Load() {
			http.Error(w, `{"__type":"InternalServerError"}`, http.StatusInternalServerError)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(l.Close)
	return l
}

func TestMemoryThatCannotBeReached(t *testing.T) {
	tb := newTable(t)
	l := newLine(t, tb)
	shared := dynamo.New(clientOf(l.URL), tb.name)
	core, logs := observer.New(zap.InfoLevel)
	calls := 0
	count := func(context.Context, *events.Event) error { calls++; return nil }
	waiting := wrap(t, shared, once.Wait, zap.New(core), count)
	insisting := wrap(t, shared, once.AtLeastOnce, nil, count)
	check := func(h events.Handler, id string, outcome events.Outcome, wantCalls int) {
		t.Helper()
		got, err := events.Dispatch(t.Context(), h, event(id))
		if got != outcome || calls != wantCalls {
			t.Errorf("%s is %s (%v) after %d calls, want %s after %d", id, got, err, calls, outcome, wantCalls)
		}
	}
	check(waiting, "1", events.Handled, 1)
	l.cut.Store(true)
	check(waiting, "2", events.Failed, 1)
	check(insisting, "2", events.Handled, 2)
	check(insisting, "2", events.Duplicate, 2)
	l.cut.Store(false)
	check(waiting, "1", events.Duplicate, 2)
	check(waiting, "3", events.Handled, 3)
	if lines := logs.FilterMessage("memory of what was done can't be reached, events wait").Len(); lines != 1 {
		t.Errorf("logged %v", logs.All())
	}
}

// The effect has happened, so the event is done, whatever becomes of the memory.
func TestMemoryLostBetweenTheEffectAndItsNote(t *testing.T) {
	tb := newTable(t)
	l := newLine(t, tb)
	calls := 0
	h := wrap(t, dynamo.New(clientOf(l.URL), tb.name), once.Wait, nil, func(context.Context, *events.Event) error {
		calls++
		l.cut.Store(true)
		return nil
	})
	for _, wanted := range []events.Outcome{events.Handled, events.Duplicate} {
		if got, err := events.Dispatch(t.Context(), h, event("1")); got != wanted || calls != 1 {
			t.Errorf("%s (%v) after %d calls, want %s", got, err, calls, wanted)
		}
	}
}
