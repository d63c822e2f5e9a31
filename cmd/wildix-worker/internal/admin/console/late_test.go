package console

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"wildix-worker/consumer"
	"wildix-worker/events"
	"wildix-worker/signature"
)

// A shown is what a page shows that is opened now.
type shown struct {
	Totals [events.Outcomes]int64
	Points []point
	Notes  []noteRow
	Calls  []callRow
	Total  int
	Opened []openedRow // of each note
}

// show returns what a page shows that is opened now.
func show(t *testing.T, c *Console) string {
	t.Helper()
	f := c.frames.whole(c.frames.next(1, nil))
	s := shown{Totals: f.Totals, Points: f.Points, Notes: f.Notes, Calls: f.Calls.Set, Total: f.Calls.Total}
	for i := range s.Calls {
		s.Calls[i].Number = 0 // by the order in which a page has seen them
	}
	slices.SortFunc(s.Calls, func(a, b callRow) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	for _, n := range s.Notes {
		kept, ok := c.recent.find(n.Number, n.At)
		if !ok {
			t.Fatalf("note %d can't be opened", n.Number)
		}
		s.Opened = append(s.Opened, c.frames.mask.openedRow(&kept))
	}
	text, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// day returns what happens to a worker: calls of all types of events, of which some end, with
// failures, large bodies, repeats and late events among them.
func day(t *testing.T, number int) (all []consumer.Result) {
	id := fmt.Sprint("example_1693389850.", number)
	callee := fmt.Sprintf(`"callee":{"phone":"%d","name":"Reception %d","type":"LOCAL"}`, 200+number, number)
	add := func(eventType, data string, outcome events.Outcome, err error) {
		r := result(t, id, eventType, data, outcome, err)
		r.MessageID, r.SentAt = fmt.Sprint("message-", number, len(all)), time.Now().Add(-time.Second)
		all = append(all, r)
	}
	add(events.CallStart, `{"status":"CONNECTING","destination":"201","caller":`+ada+`}`, events.Handled, nil)
	switch number % 5 {
	case 0:
		add(events.CallUpdate, `{"status":"RINGING","queueName":"Support",`+callee+`}`, events.Failed, errors.New("CRM answered 503 for Ada Example"))
	case 1:
		add(events.CallUpdate, `{"filler":"`+strings.Repeat("é", maxBody)+`","status":"RINGING",`+callee+`}`, events.Handled, nil)
		add("fax:sent", `{"pages":3}`, events.Ignored, nil)
	case 2:
		add(events.CallLiveProgress, `{"id":"`+id+`","status":"TALKING","direction":"INBOUND","flows":[{"startTime":1693389850810,`+callee+`}]}`, events.Handled, nil)
	case 3:
		all = append(all, consumer.Result{Outcome: events.Rejected, Err: signature.ErrMismatch, MessageID: id})
	}
	add(events.CallUpdate, `{"status":"TALKING"}`, events.Duplicate, nil)
	switch number % 4 {
	case 0:
		add(events.CallEnd, `{"status":"TALKING",`+callee+`}`, events.Handled, nil)
		add(events.CallUpdate, `{"status":"TALKING"}`, events.Handled, nil) // late
	case 1:
		add(events.CallCompleted, `{"id":"`+id+`","flows":[]}`, events.Handled, nil)
	}
	return all
}

func TestPageOpenedLateShowsWhatOneThatWasAlwaysOpenShows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		always, late := New(Config{}), New(Config{})
		for number := range 120 {
			for _, r := range day(t, number) {
				always.Observe(r)
				late.Observe(r)
				time.Sleep(100 * time.Millisecond)
				always.frames.next(1, nil)
			}
			if number%40 == 39 { // and again after it was closed
				if want, got := show(t, always), show(t, late); got != want {
					t.Fatalf("a page opened after call %d shows\n%s\none that was always open\n%s", number, got, want)
				}
			}
		}
		if f := late.frames.next(1, nil); f.Calls.Total != 60 || f.Totals[events.Failed] != 24 {
			t.Errorf("%d calls, totals %v", f.Calls.Total, f.Totals)
		}
	})
}
