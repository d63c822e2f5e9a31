package consumer_test

import (
	"context"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"wildix-worker/consumer"
	"wildix-worker/consumer/sqslocal"
	"wildix-worker/events"
)

// gate is a handler that has events held while it is closed.
type gate struct {
	mu      sync.Mutex
	closed  bool
	waiting []func()
	ended   int // deliveries of held events
}

func (g *gate) handle(ctx context.Context, _ *events.Event) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closed {
		return nil
	}
	events.DeliveryOf(ctx).OnEnd(func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.ended++
	})
	return events.Hold(func(resume func()) {
		g.mu.Lock()
		defer g.mu.Unlock()
		if !g.closed {
			resume()
			return
		}
		g.waiting = append(g.waiting, resume)
	}, errDown)
}

func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
}

// open resumes all events.
func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = false
	for _, resume := range g.waiting {
		resume()
	}
	g.waiting = nil
}

func (s *site) wantLogged(message string, times int) {
	s.t.Helper()
	if n := s.logs.FilterMessage(message).Len(); n != times {
		s.t.Errorf("%q was logged %d times, want %d", message, n, times)
	}
}

func (s *site) wantHeld(messages int) {
	s.t.Helper()
	if held := s.consumer.Stats().Held; held != messages {
		s.t.Errorf("%d messages are held, want %d", held, messages)
	}
}

func (s *site) wantNoDeadLetters() {
	s.t.Helper()
	if dead := s.srv.Depth(deadLetter); dead != (sqslocal.Depth{}) {
		s.t.Errorf("dead letters: %+v", dead)
	}
}

func TestHeldMessagesCostNoReceiveAndGoOnWhenResumed(t *testing.T) {
	within(t, queueName, func(s *site) { // which allows five receives
		var g gate
		g.close()
		s.send(ids(200)...)
		s.start(g.handle)
		time.Sleep(4 * time.Hour)
		s.wantHeld(200)
		s.wantCalls("ReceiveMessage", 4*180+60) // long polls without a message, after the first ones
		g.open()
		time.Sleep(2 * time.Second)
		s.wantOutcomes("handled 200")
		s.wantDepth(sqslocal.Depth{})
		s.wantNoDeadLetters()
		if g.ended != 200 {
			t.Errorf("%d deliveries have ended, want 200", g.ended)
		}
	})
}

func TestHeldMessagesOccupyNoSlot(t *testing.T) {
	within(t, queueName, func(s *site) {
		var g gate
		g.close()
		s.start(func(ctx context.Context, e *events.Event) error {
			if e.ID == "other" {
				return nil
			}
			return g.handle(ctx, e)
		}, func(cfg *consumer.Config) { cfg.Concurrency = 2 })
		s.send(ids(50)...)
		time.Sleep(time.Second)
		s.wantHeld(50)
		s.send("other")
		time.Sleep(100 * time.Millisecond)
		s.wantOutcomes("handled 1")
	})
}

func TestHeldMessagesCostFewCalls(t *testing.T) {
	within(t, queueName, func(s *site) {
		var g gate
		g.close()
		s.send(ids(10_000)...)
		s.start(g.handle)
		time.Sleep(time.Hour) // after the first extensions
		s.wantHeld(10_000)
		before := s.srv.Calls("ChangeMessageVisibilityBatch")
		time.Sleep(2 * time.Hour)
		if n := (s.srv.Calls("ChangeMessageVisibilityBatch") - before) / 120; n > 150 {
			t.Errorf("%d calls a minute to hold 10,000 messages", n)
		}
		if lost := s.consumer.Stats().LeasesLost; lost != 0 {
			t.Errorf("%d leases were lost", lost)
		}
	})
}

func TestHeldMessagesAreLimited(t *testing.T) {
	size := len(body("call-10"))
	for name, limit := range map[string]func(*consumer.Config){
		"by count": func(cfg *consumer.Config) { cfg.MaxHeld = 20 },
		"by size":  func(cfg *consumer.Config) { cfg.MaxHeldBytes = 20 * size },
	} {
		t.Run(name, func(t *testing.T) {
			within(t, queueName, func(s *site) {
				var g gate
				g.close()
				s.send(ids(60)...)
				s.start(g.handle, limit, func(cfg *consumer.Config) { cfg.Concurrency = 10 })
				time.Sleep(2 * time.Minute)
				if held := s.consumer.Stats().Held; held < 15 || held > 25 {
					t.Errorf("%d messages are held", held)
				}
				// The others were returned with a long delay.
				if returned := s.consumer.Stats().Returned; returned < 35 || returned > 45 {
					t.Errorf("%d messages were returned within two minutes", returned)
				}
				time.Sleep(time.Hour)
				s.wantNoDeadLetters()
				g.open()
				time.Sleep(2 * time.Hour)
				s.wantDepth(sqslocal.Depth{})
			})
		})
	}
}

func TestNothingIsReceivedWhileNothingCanBeHandledOrHeld(t *testing.T) {
	within(t, queueName, func(s *site) {
		var g gate
		g.close()
		s.send(ids(60)...)
		s.start(g.handle, func(cfg *consumer.Config) {
			cfg.Concurrency, cfg.MaxHeld = 10, 20
			cfg.Blocked = func() bool {
				g.mu.Lock()
				defer g.mu.Unlock()
				return g.closed
			}
		})
		time.Sleep(time.Second)
		s.wantHeld(20)
		before := s.srv.Calls("ReceiveMessage")
		time.Sleep(10 * time.Hour)
		if n := s.srv.Calls("ReceiveMessage") - before; n > 3 { // polls that were running
			t.Errorf("%d receives in ten hours", n)
		}
		g.open()
		time.Sleep(5 * time.Second)
		if handled := s.consumer.Stats().Outcomes[events.Handled]; handled < 50 { // up to 10 were returned
			t.Errorf("%d messages were handled five seconds later", handled)
		}
	})
}

func TestHeldMessageIsReturnedAfterTwelveHours(t *testing.T) {
	within(t, queueName, func(s *site) {
		var g gate
		g.close()
		s.send(ids(30)...)
		s.start(g.handle)
		time.Sleep(25 * time.Hour)
		s.wantHeld(30)
		if stats := s.consumer.Stats(); stats.Returned != 60 || stats.LeasesLost != 0 {
			t.Errorf("%d messages were returned, %d leases lost; want each returned twice", stats.Returned, stats.LeasesLost)
		}
		if g.ended != 60 {
			t.Errorf("%d deliveries have ended, want 60", g.ended)
		}
		g.open()
		time.Sleep(2 * time.Second)
		s.wantDepth(sqslocal.Depth{})
		s.wantNoDeadLetters()
	})
}

func TestStopReturnsHeldMessagesAtOnceInBatches(t *testing.T) {
	within(t, queueName, func(s *site) {
		var g gate
		g.close()
		s.send(ids(1000)...)
		s.start(g.handle)
		time.Sleep(time.Hour)
		s.wantHeld(1000)
		before := s.srv.Calls("ChangeMessageVisibilityBatch")
		begun := time.Now()
		if err := s.stop(); err != nil {
			t.Error(err)
		}
		if took := time.Since(begun); took > 2*time.Second {
			t.Errorf("the stop took %s", took)
		}
		if n := s.srv.Calls("ChangeMessageVisibilityBatch") - before; n > 105 {
			t.Errorf("%d calls to return 1000 messages", n)
		}
		s.wantDepth(sqslocal.Depth{Visible: 1000})
		s.wantDrained("returned", 1000) // none was received again by a poll under way
		if g.ended != 1000 {
			t.Errorf("%d deliveries have ended, want 1000", g.ended)
		}
		g.open() // nothing happens
	})
}

// A held message that is to go on while the consumer stops could be received by one poll that
// is under way after another.
func TestStopCostsAHeldMessageNoFurtherReceive(t *testing.T) {
	within(t, queueName, func(s *site) {
		var g gate
		g.close()
		s.start(g.handle, func(cfg *consumer.Config) { cfg.Concurrency = 500 })
		s.send(ids(100)...)
		time.Sleep(time.Second)
		s.wantHeld(100)
		if polls := s.consumer.Stats().Polls; polls < 5 {
			t.Fatalf("%d polls are under way", polls)
		}
		s.cancel()
		time.Sleep(200 * time.Millisecond)
		g.open()
		if err := s.stop(); err != nil {
			t.Error(err)
		}
		s.wantDepth(sqslocal.Depth{Visible: 100})
		s.wantDrained("returned", 100)
		s.wantNoDeadLetters()
	})
}

func TestStopReturnsWhatTheLastPollReceivesAtOnce(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.send("a", "a", "a", "a") // of one call, and more than may wait
		s.srv.Inject(sqslocal.Fault{Action: "ReceiveMessage", Delay: 500 * time.Millisecond})
		s.start(succeed, orderByCall, func(cfg *consumer.Config) { cfg.MaxHeld = 1 })
		time.Sleep(100 * time.Millisecond)
		s.stop()
		s.wantDepth(sqslocal.Depth{Visible: 4})
	})
}

func TestLeaseLostWhileHeld(t *testing.T) {
	within(t, queueName, func(s *site) {
		var g gate
		g.close()
		s.send("call-1")
		s.start(g.handle)
		remove := s.srv.Inject(sqslocal.Fault{Action: "ChangeMessageVisibilityBatch", Status: 500})
		time.Sleep(2 * time.Minute)
		if s.consumer.Stats().LeasesLost == 0 {
			t.Fatal("no lease was lost")
		}
		remove()
		time.Sleep(2 * time.Minute)
		s.wantHeld(1) // delivered again
		g.open()
		time.Sleep(2 * time.Second)
		if handled := s.consumer.Stats().Outcomes[events.Handled]; handled != 1 {
			t.Errorf("handled %d times", handled)
		}
		s.wantDepth(sqslocal.Depth{})
	})
}

func TestOnlyTheGroupOfAHeldMessageWaits(t *testing.T) {
	within(t, fifoName, func(s *site) {
		var g gate
		g.close()
		s.start(func(ctx context.Context, e *events.Event) error {
			if e.ID == "a-1" {
				return g.handle(ctx, e)
			}
			return nil
		})
		for i := 1; i <= 5; i++ {
			s.send(fmt.Sprint("a-", i))
			s.send(fmt.Sprint("b-", i))
		}
		time.Sleep(30 * time.Second)
		s.wantOutcomes("handled 5")
		g.open()
		time.Sleep(2 * time.Second)
		s.wantOutcomes("handled 10")
		if got := fmt.Sprint(slices.DeleteFunc(s.begun(), func(id string) bool { return id[0] == 'b' })); got != "[a-1 a-1 a-2 a-3 a-4 a-5]" {
			t.Errorf("handled in the order %s", got)
		}
	})
}

func TestOnlyTheCallOfAHeldMessageWaits(t *testing.T) {
	within(t, queueName, func(s *site) {
		var g gate
		g.close()
		s.start(func(ctx context.Context, e *events.Event) error {
			if e.ID == "a" {
				return g.handle(ctx, e)
			}
			return nil
		}, orderByCall)
		s.sendCall("a", 1, 2, 3)
		s.sendCall("b", 1, 2, 3)
		time.Sleep(time.Minute)
		s.wantOutcomes("handled 3")
		s.wantHeld(3)
		g.open()
		time.Sleep(2 * time.Second)
		s.wantOutcomes("handled 6")
	})
}

func TestOneCallNeverDelaysAnother(t *testing.T) {
	within(t, queueName, func(s *site) {
		for second := range 1000 {
			s.sendCall("a", second)
		}
		s.start(working(5*time.Second), orderByCall)
		time.Sleep(3 * time.Second)
		s.sendCall("b", 1)
		time.Sleep(time.Second)
		s.wantBegun(2)
	})
}

func TestStopReturnsWaitingMessagesAtOnce(t *testing.T) {
	for _, name := range []string{queueName, fifoName} {
		within(t, name, func(s *site) {
			s.start(working(20*time.Second), orderByCall)
			for second := range 5 {
				if name == queueName {
					s.sendCall("a", second)
				} else {
					s.send(fmt.Sprint("a-", second))
				}
			}
			time.Sleep(time.Second)
			s.cancel()
			time.Sleep(2 * time.Second)
			s.wantDepth(sqslocal.Depth{Visible: 4, InFlight: 1})
			s.stop()
			s.wantDepth(sqslocal.Depth{Visible: 4})
		})
	}
}

func TestOverdueHandlers(t *testing.T) {
	within(t, queueName, func(s *site) {
		release := make(chan struct{})
		s.start(func(context.Context, *events.Event) error {
			<-release // ignores its context
			return nil
		})
		s.send(ids(64)...)
		time.Sleep(consumer.DefaultHandlerTimeout + 50*time.Second)
		if err := s.consumer.Healthy(); err != nil {
			t.Errorf("unhealthy too early: %v", err)
		}
		time.Sleep(time.Minute)
		if n := s.consumer.Stats().Overdue; n != 64 {
			t.Errorf("%d handlers are overdue, want 64", n)
		}
		if s.consumer.Healthy() == nil {
			t.Error("healthy, although no handler returns")
		}
		time.Sleep(3 * time.Hour)
		if n := s.logs.FilterMessageSnippet("handler does not return").Len(); n != 64 {
			t.Errorf("%d log lines, want one for each of 64 handlers", n)
		}
		close(release)
		time.Sleep(5 * time.Second)
		if err := s.consumer.Healthy(); err != nil || s.consumer.Stats().Overdue != 0 {
			t.Errorf("%v, %d overdue, although all have returned", err, s.consumer.Stats().Overdue)
		}
		s.wantDepth(sqslocal.Depth{})
	})
}

func TestHandlerIsNotOverdueOnceItsEventIsHeld(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.start(func(context.Context, *events.Event) error {
			time.Sleep(consumer.DefaultHandlerTimeout + 2*time.Minute) // ignores its context
			return events.Hold(func(func()) {}, errDown)
		})
		s.send("call-1")
		time.Sleep(5 * time.Minute)
		s.wantHeld(1)
		if err := s.consumer.Healthy(); err != nil || s.consumer.Stats().Overdue != 0 {
			t.Errorf("%v, %d overdue, although the handler has returned", err, s.consumer.Stats().Overdue)
		}
	})
}

func TestMessageThatAsksToBeHeldDuringAStopIsReturnedAtOnce(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.start(func(context.Context, *events.Event) error {
			time.Sleep(5 * time.Second)
			return events.Hold(func(func()) {}, errDown)
		})
		s.send("call-1")
		time.Sleep(time.Second)
		if err := s.stop(); err != nil {
			t.Error(err)
		}
		s.wantDepth(sqslocal.Depth{Visible: 1})
	})
}

// collectThenOpen has everything collected that held messages don't need, and resumes them.
func (g *gate) collectThenOpen() {
	synctest.Wait()
	runtime.GC()
	runtime.GC()
	g.open()
}

func TestHeldEventIsTheSameAgain(t *testing.T) {
	within(t, queueName, func(s *site) {
		var g gate
		g.close()
		text := `{"id":"call-1","type":"call:end","time":1693389853611,"data":{"status":"COMPLETED","tags":["vip"]}}`
		s.sendRaw(text, signed(text))
		var first, again events.Event
		s.start(func(ctx context.Context, e *events.Event) error {
			first, again = again, *e
			return g.handle(ctx, e)
		})
		time.Sleep(time.Hour)
		g.collectThenOpen()
		time.Sleep(time.Minute)
		s.wantOutcomes("handled 1")
		if first.Data == again.Data && !raceDetector { // which keeps it alive
			t.Error("the event was kept while its message was held")
		}
		if !reflect.DeepEqual(first, again) || again.Signature == "" || again.ReceiveCount != 1 {
			t.Errorf("held %+v, and then %+v", first, again)
		}
		if got := s.results[0].Event; got == nil || got.ID != "call-1" {
			t.Errorf("the result has the event %v", got)
		}
	})
}

func TestHeldEventOfAChangedBodyIsNotHandled(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector keeps the event alive, so that it is not decoded again")
	}
	within(t, queueName, func(s *site) {
		var g gate
		g.close()
		s.send("call-1")
		s.start(func(ctx context.Context, e *events.Event) error {
			err := g.handle(ctx, e)
			if err != nil {
				e.Raw[0] = 'x' // which no handler may do
			}
			return err
		})
		time.Sleep(time.Hour)
		g.collectThenOpen()
		time.Sleep(time.Minute)
		s.wantOutcomes("failed 1 handled 1") // as it was received again
		s.wantBegun(2)
	})
}

func TestHeldMessageThatIsReturnedHasItsEvent(t *testing.T) {
	within(t, queueName, func(s *site) {
		var g gate
		g.close()
		s.send("call-1")
		s.start(g.handle)
		time.Sleep(11 * time.Hour)
		runtime.GC()
		time.Sleep(time.Hour)
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.results) != 1 || s.results[0].Event == nil || s.results[0].Event.ID != "call-1" {
			t.Errorf("got %+v", s.results)
		}
	})
}
