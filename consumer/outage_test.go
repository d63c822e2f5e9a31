package consumer_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"wildix-worker/consumer"
	"wildix-worker/consumer/sqslocal"
	"wildix-worker/events"
	"wildix-worker/events/route"
)

// A season is a queue with one event a second, some of which always fail, and a worker
// whose destination crm is down for a while. Its destination archive, if there is one,
// is never down.
type season struct {
	hopeless int           // percent of the events that crm never handles
	around   time.Duration // before and after the outage
	outage   time.Duration // of crm
	archive  bool
	maxHeld  int // 0 for the default
}

func (s season) String() string {
	name := fmt.Sprintf("%d%% hopeless, %s down", s.hopeless, s.outage)
	if s.archive {
		name += ", archive"
	}
	if s.maxHeld > 0 {
		name += fmt.Sprintf(", %d held", s.maxHeld)
	}
	return name
}

// seasons are the cases of TestOutages. All of them take an hour, and are run with
// OUTAGES=all.
func seasons() []season {
	if os.Getenv("OUTAGES") != "all" {
		return []season{
			{hopeless: 33, around: 15 * time.Minute},
			{hopeless: 20, around: 15 * time.Minute, outage: 10 * time.Minute, archive: true},
		}
	}
	var all []season
	for _, archive := range []bool{false, true} {
		for _, hopeless := range []int{0, 5, 10, 20, 33} {
			for _, outage := range []time.Duration{0, 10 * time.Minute, 4 * time.Hour, 13 * time.Hour} {
				all = append(all, season{hopeless: hopeless, around: time.Hour, outage: outage, archive: archive})
			}
		}
	}
	return append(all,
		season{hopeless: 20, around: time.Hour, outage: 4 * time.Hour, archive: true, maxHeld: 60_000},
		season{hopeless: 20, around: time.Hour, outage: 13 * time.Hour, archive: true, maxHeld: 60_000})
}

// inTime is how long an event may take, from when it was sent and its destination was up.
// After an outage, it may take as long as the backlog does at drained events a second.
const (
	inTime  = 5 * time.Second
	drained = 2000
)

// A tally is what became of the events of a season.
type tally struct {
	good, hopeless        int
	late, dead            int // of the good events at crm
	unhandled             int // good events that crm has not handled, dead ones among them
	worst                 time.Duration
	archiveLate           int
	hopelessDead, waiting int
	receives              int // most receives of a good event
}

func TestOutages(t *testing.T) {
	for _, season := range seasons() {
		t.Run(season.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got := season.run(t)
				t.Logf("good %d: late %d (worst %s), unhandled %d, dead %d, receives at most %d; archive late %d; hopeless %d: dead %d; waiting %d",
					got.good, got.late, got.worst.Round(time.Second), got.unhandled, got.dead, got.receives, got.archiveLate, got.hopeless, got.hopelessDead, got.waiting)
				beyond := season.archive && season.maxHeld == 0 && season.outage > 10_000*time.Second
				if got.late+got.unhandled > 0 && !beyond {
					t.Errorf("%d good events late, %d not handled", got.late, got.unhandled)
				}
				if got.dead > 0 || got.archiveLate > 0 {
					t.Errorf("%d good events dead, %d late at the other destination", got.dead, got.archiveLate)
				}
				if season.hopeless > 0 && got.hopelessDead == 0 {
					t.Error("no hopeless event is in the dead-letter queue")
				}
			})
		})
	}
}

// backlog returns how long the events of the outage take when it is over.
func (s season) backlog() time.Duration { return s.outage / drained }

// records are when events were handled for the first time, by id.
type records struct {
	mu       sync.Mutex
	handled  map[string]time.Time
	receives map[string]int
}

func (r *records) record(e *events.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.handled[e.ID]; !ok {
		r.handled[e.ID] = time.Now()
		r.receives[e.ID] = e.ReceiveCount
	}
}

func newRecords() *records {
	return &records{handled: make(map[string]time.Time), receives: make(map[string]int)}
}

// A course is what happens in a season: when each event is sent, and which are handled.
type course struct {
	season           season
	downFrom, upFrom time.Time // of crm
	sent             []time.Time
	crm, archive     *records

	mu       sync.Mutex
	hopeless map[string]bool // by id
}

func (s season) run(t *testing.T) tally {
	srv := sqslocal.New(sqslocal.Options{})
	srv.StartPipe()
	defer srv.Close()
	q := &site{t: t, srv: srv, client: srv.Client(), name: queueName, running: map[string]int{}}
	q.createQueues(10)

	downFrom := time.Now().Add(s.around)
	c := &course{
		season: s, downFrom: downFrom, upFrom: downFrom.Add(s.outage),
		crm: newRecords(), archive: newRecords(), hopeless: make(map[string]bool),
	}
	router := c.router(t)
	q.run(q.client, consumer.Config{
		QueueURL: q.url, Keys: keyring(t, key), Handler: router,
		Concurrency: router.Concurrency(), Blocked: router.Blocked, MaxHeld: s.maxHeld,
	})
	c.sendAll(q)
	time.Sleep(4 * time.Hour) // for ten receives of the hopeless events
	if err := q.stop(); err != nil {
		t.Error(err)
	}
	got := c.tally()
	for _, id := range q.deadIDs() {
		if c.hopeless[id] {
			got.hopelessDead++
		} else {
			got.dead++
		}
	}
	got.waiting = srv.Depth(queueName).Visible + srv.Depth(queueName).InFlight
	return got
}

// deadIDs receives all messages of the dead-letter queue, and returns the ids of their events.
func (s *site) deadIDs() (ids []string) {
	s.t.Helper()
	url, err := s.client.GetQueueUrl(s.t.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String(deadLetter)})
	if err != nil {
		s.t.Fatal(err)
	}
	for {
		out, err := s.client.ReceiveMessage(s.t.Context(), &sqs.ReceiveMessageInput{QueueUrl: url.QueueUrl, MaxNumberOfMessages: 10, VisibilityTimeout: 3600})
		if err != nil {
			s.t.Fatal(err)
		}
		if len(out.Messages) == 0 {
			return ids
		}
		for _, m := range out.Messages {
			e, err := events.Decode([]byte(*m.Body))
			if err != nil {
				s.t.Fatal(err)
			}
			ids = append(ids, e.ID)
		}
	}
}

func (c *course) router(t *testing.T) *route.Router {
	t.Helper()
	destinations := []route.Destination{{Name: "crm", Handler: events.HandlerFunc(c.handleInCRM)}}
	if c.season.archive {
		destinations = append(destinations, route.Destination{Name: "archive", Handler: events.HandlerFunc(func(_ context.Context, e *events.Event) error {
			c.archive.record(e)
			return nil
		})})
	}
	router, err := route.New(route.Config{Destinations: destinations})
	if err != nil {
		t.Fatal(err)
	}
	return router
}

func (c *course) handleInCRM(_ context.Context, e *events.Event) error {
	time.Sleep(10 * time.Millisecond)
	c.mu.Lock()
	hopeless := c.hopeless[e.ID]
	c.mu.Unlock()
	if hopeless || c.isDown(time.Now()) {
		return errDown
	}
	c.crm.record(e)
	return nil
}

func (c *course) isDown(at time.Time) bool { return !at.Before(c.downFrom) && at.Before(c.upFrom) }

// sendAll sends an event a second.
func (c *course) sendAll(q *site) {
	random := rand.New(rand.NewPCG(uint64(c.season.hopeless), 1))
	for i := range int((2*c.season.around + c.season.outage) / time.Second) {
		id := fmt.Sprint("call-", i)
		c.mu.Lock()
		c.hopeless[id] = random.IntN(100) < c.season.hopeless
		c.mu.Unlock()
		c.sent = append(c.sent, time.Now())
		q.send(id)
		time.Sleep(time.Second)
	}
}

// tally returns what became of the events, without those that are in the queues.
func (c *course) tally() (got tally) {
	for i, sent := range c.sent {
		id := fmt.Sprint("call-", i)
		if c.season.archive && c.archive.handled[id].Sub(sent) > inTime {
			got.archiveLate++
		}
		if c.hopeless[id] {
			got.hopeless++
			continue
		}
		got.good++
		due := sent
		if c.isDown(due) {
			due = c.upFrom
		}
		at, ok := c.crm.handled[id]
		late := at.Sub(due)
		switch {
		case !ok:
			got.unhandled++
		case late > inTime+c.season.backlog():
			got.late++
			got.worst = max(got.worst, late)
		}
		got.receives = max(got.receives, c.crm.receives[id])
	}
	return got
}

// A destination that is slower than the others for long costs no receive: beyond the bound
// the backlog stays in the queue.
func TestSlowDestinationCostsNoReceive(t *testing.T) {
	within(t, queueName, func(s *site) {
		handled := newRecords()
		router, err := route.New(route.Config{Destinations: []route.Destination{
			{Name: "slow", Concurrency: 1, Handler: events.HandlerFunc(func(_ context.Context, e *events.Event) error {
				time.Sleep(5 * time.Second)
				handled.record(e)
				return nil
			})},
			{Name: "fast", Handler: events.HandlerFunc(succeed)},
		}})
		if err != nil {
			t.Fatal(err)
		}
		s.send(ids(300)...)
		s.start(router.HandleEvent, func(cfg *consumer.Config) {
			cfg.Concurrency, cfg.MaxHeld, cfg.Blocked = router.Concurrency(), 50, router.Blocked
		})
		time.Sleep(30 * time.Minute)
		s.wantDepth(sqslocal.Depth{})
		s.wantNoDeadLetters()
		more := 0
		for _, receives := range handled.receives {
			if receives > 1 {
				more++
			}
		}
		// Those that were received when the bound was reached were returned once.
		if len(handled.handled) != 300 || more > 0 {
			t.Errorf("%d handled, %d received more than once", len(handled.handled), more)
		}
	})
}
