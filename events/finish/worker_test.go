package finish_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/consumer"
	"wildix-worker/consumer/sqslocal"
	"wildix-worker/events"
	"wildix-worker/events/finish"
	"wildix-worker/events/handlers/store"
	"wildix-worker/events/route"
	"wildix-worker/signature"
)

const secret = "a secret"

// A site is a queue with workers that share a SQLite state and three destinations.
type site struct {
	t                    *testing.T
	srv                  *sqslocal.Server
	url                  string
	stateURL             string
	slack, crm, database *destination
}

func newSite(t *testing.T, stateURL string) *site {
	t.Helper()
	s := &site{t: t, srv: sqslocal.New(sqslocal.Options{}), stateURL: stateURL, slack: &destination{}, crm: &destination{}, database: &destination{}}
	s.srv.StartPipe()
	if _, err := s.srv.CreateQueue("dead", nil); err != nil {
		t.Fatal(err)
	}
	var err error
	s.url, err = s.srv.CreateQueue("calls", map[string]string{
		"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":"10"}`,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *site) send(e *events.Event) {
	s.t.Helper()
	_, err := s.srv.Client().SendMessage(s.t.Context(), &sqs.SendMessageInput{
		QueueUrl: &s.url, MessageBody: aws.String(string(e.Raw)),
		MessageAttributes: map[string]types.MessageAttributeValue{
			"X-SIGNATURE": {DataType: aws.String("String"), StringValue: aws.String(signature.Sign(secret, e.Raw))},
		},
	})
	if err != nil {
		s.t.Error(err)
	}
}

// start starts a worker, and returns what stops it.
func (s *site) start() (stop func()) {
	s.t.Helper()
	state, err := store.NewState(store.StateConfig{URL: s.stateURL})
	if err != nil {
		s.t.Fatal(err)
	}
	router, err := route.New(route.Config{Destinations: []route.Destination{
		{Name: "slack", Handler: s.slack, On: []string{events.CallFinished}, When: func(e *events.Event) (bool, error) { return e.Data.(*events.FinishedCall).Missed, nil }},
		{Name: "crm", Handler: s.crm, On: []string{events.CallEnd, events.CallFinished}},
		{Name: "database", Handler: s.database},
	}})
	if err != nil {
		s.t.Fatal(err)
	}
	h, err := finish.New(finish.Config{Next: router, State: state})
	if err != nil {
		s.t.Fatal(err)
	}
	keys, err := signature.NewKeyring(signature.Key{Secret: secret})
	if err != nil {
		s.t.Fatal(err)
	}
	c, err := consumer.New(s.srv.Client(), consumer.Config{QueueURL: s.url, Keys: keys, Handler: h, Concurrency: h.Concurrency(), Blocked: h.Blocked})
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- c.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			s.t.Error(err)
		}
		if err := state.Close(); err != nil {
			s.t.Error(err)
		}
	}
}

// distinct returns how many events of a type have different keys.
func (d *destination) distinct(eventType string) int {
	keys := make(map[string]bool)
	for _, e := range d.of(eventType) {
		keys[e.DeliveryKey()] = true
	}
	return len(keys)
}

// A firm tells Slack of missed calls, its CRM of finished ones, and keeps everything in a
// database. Each is down in turn, and workers stop and start all the time.
func TestEachDestinationHasItsEvents(t *testing.T) {
	stateURL := "sqlite:" + filepath.Join(t.TempDir(), "state.db")
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, stateURL)
		defer s.srv.Close()
		random := rand.New(rand.NewPCG(1, 2))
		stops := []func(){s.start(), s.start()}
		const calls = 100
		missed := 0
		for i := range calls {
			s.breakOne(i / 20)
			isMissed := i%3 == 0
			if isMissed {
				missed++
			}
			s.sendShuffled(fmt.Sprint("call-", i), isMissed, random)
			if i%10 == 9 {
				stops[i/10%2]()
				stops[i/10%2] = s.start()
			}
		}
		time.Sleep(2 * time.Hour)
		for _, stop := range stops {
			stop()
		}
		s.wantCalls(calls, missed)
		if depth, dead := s.srv.Depth("calls"), s.srv.Depth("dead"); depth != (sqslocal.Depth{}) || dead != (sqslocal.Depth{}) {
			t.Errorf("left in the queue %+v, dead letters %+v", depth, dead)
		}
	})
}

// breakOne lets one destination fail, and the others succeed. There are three.
func (s *site) breakOne(number int) {
	for i, d := range []*destination{s.slack, s.crm, s.database} {
		d.set(nil)
		if i == number {
			d.set(func(context.Context, *events.Event) error { return errDown })
		}
	}
}

// sendShuffled sends the events of a call, one of them twice, in any order.
func (s *site) sendShuffled(id string, missed bool, random *rand.Rand) {
	s.t.Helper()
	all := []*events.Event{event(id, events.CallStart, `{"caller":`+ada+`}`)}
	if !missed {
		all = append(all, event(id, events.CallUpdate, `{"status":"TALKING","callee":`+sales+`}`))
	}
	all = append(all, event(id, events.CallEnd, `{"endCause":"16"}`))
	all = append(all, all[random.IntN(len(all))])
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	for _, e := range all {
		s.send(e)
		time.Sleep(time.Duration(random.IntN(2000)) * time.Millisecond)
	}
}

// wantCalls checks that each destination has its events, and that finished calls are complete.
func (s *site) wantCalls(calls, missed int) {
	s.t.Helper()
	if got := s.slack.distinct(events.CallFinished); got != missed {
		s.t.Errorf("slack has %d missed calls, want %d", got, missed)
	}
	for _, d := range []*destination{s.crm, s.database} {
		if ends, finished := d.distinct(events.CallEnd), d.distinct(events.CallFinished); ends != calls || finished != calls {
			s.t.Errorf("%d ends, %d finished calls; want %d", ends, finished, calls)
		}
	}
	if got := s.database.distinct(events.CallStart); got != calls {
		s.t.Errorf("%d starts, want %d", got, calls)
	}
	for _, e := range s.crm.of(events.CallFinished) {
		if c := e.Data.(*events.FinishedCall); c.Caller == nil || c.Answered == c.Missed || c.Answered != (c.Callee != nil) {
			s.t.Errorf("incomplete: %s", e.Raw)
		}
	}
}
