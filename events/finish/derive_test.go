package finish_test

import (
	"errors"
	"iter"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"wildix-worker/events"
	"wildix-worker/events/finish"
)

// inOrder returns the events in the order of their time.
func inOrder(list []*events.Event) iter.Seq2[*events.Event, error] {
	sorted := slices.SortedStableFunc(slices.Values(list), func(a, b *events.Event) int { return a.Time.Compare(b.Time) })
	return func(yield func(*events.Event, error) bool) {
		for _, e := range sorted {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// What was delivered is derived again, with the same key, from events that were kept.
func TestDeriveHasTheKeyOfTheDelivery(t *testing.T) {
	const talking, hungUp, voicemail = `{"status":"TALKING"}`, `{"endCause":"16","endBy":"CALLER"}`, `{"flows":[{"callStatus":"MISSED","callee":` + sales + `}]}`
	for name, lateness := range map[string]time.Duration{"within the grace": 9 * time.Second, "after the grace": 11 * time.Second} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFirm(t)
				for _, step := range []struct {
					eventType, data string
					wait            time.Duration
				}{
					{events.CallStart, `{"caller":` + ada + `}`, time.Second}, {events.CallUpdate, talking, time.Minute},
					{events.CallEnd, hungUp, lateness}, {events.CallCompleted, voicemail, time.Minute},
				} {
					f.deliver(event("call-1", step.eventType, step.data))
					time.Sleep(step.wait)
				}
				sent := f.finished.of(events.CallFinished)
				if len(sent) != 1 {
					t.Fatalf("%d events were sent", len(sent))
				}
				got, err := finish.Derive(inOrder(f.archive.handled))
				if err != nil {
					t.Fatal(err)
				}
				if got.Finished.DeliveryKey() != sent[0].DeliveryKey() || got.End.Type != events.CallEnd {
					t.Errorf("derived %s\nsent    %s", got.Finished.Raw, sent[0].Raw)
				}
				if missed := got.Finished.Data.(*events.FinishedCall).Missed; missed != (lateness < finish.DefaultGrace) {
					t.Errorf("missed %t", missed)
				}
			})
		})
	}
}

func TestDeriveNeedsAnEnd(t *testing.T) {
	list := []*events.Event{event("call-1", events.CallStart, `{}`), event("call-1", "chat:new", `{}`)}
	if _, err := finish.Derive(inOrder(list)); !errors.Is(err, finish.ErrNotEnded) {
		t.Errorf("got %v", err)
	}
	broken := errors.New("database is gone")
	_, err := finish.Derive(func(yield func(*events.Event, error) bool) { yield(nil, broken) })
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}
