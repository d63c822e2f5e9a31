package console

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"wildix-worker/events/calls"
)

func missedCall() calls.Record {
	begun := time.Now().Add(-time.Minute)
	return calls.Record{
		Start: begun, End: begun.Add(12 * time.Second), Direction: calls.Inbound, Missed: true, Queue: "Support",
		Caller: calls.Party{Name: "Ada Example", Phone: "+12025550142", Email: "ada@example.com"},
	}
}

func TestMissedCallsAreMasked(t *testing.T) {
	list := mask{}.readMissed(t.Context(), func(_ context.Context, since time.Time, limit int) ([]calls.Record, error) {
		if now := time.Now(); since.After(now) || since.Before(now.Add(-25*time.Hour)) || since.Minute() != 0 || limit != 100 {
			t.Errorf("since %s, limit %d", since, limit)
		}
		return []calls.Record{missedCall()}, nil
	})
	if len(list.Calls) != 1 || list.Full || list.Reason != "" {
		t.Fatalf("%+v", list)
	}
	if row, want := list.Calls[0], (missedRow{Start: list.Calls[0].Start, Caller: partyRow{"A. E.", "***42"}, Queue: "Support", Waited: 12_000}); row != want {
		t.Errorf("%+v", row)
	}
	list = mask{}.readMissed(t.Context(), func(context.Context, time.Time, int) ([]calls.Record, error) {
		return nil, errors.New("no connection for +12025550142")
	})
	if list.Reason != "no connection for ***42" || len(list.Calls) != 0 {
		t.Errorf("%+v", list)
	}
}

// The database is asked once a minute, for all pages, and only while one is open.
func TestMissedCallsAreReadOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		c := New(Config{Missed: func(context.Context, time.Time, int) ([]calls.Record, error) {
			asked++
			return []calls.Record{missedCall()}, nil
		}})
		stop := run(t, c)
		time.Sleep(time.Hour)
		for range 3 {
			if err := c.pub.addWatcher(); err != nil {
				t.Fatal(err)
			}
		}
		sent := 0 // frames with missed calls
		var have uint64
		for range 150 {
			time.Sleep(interval)
			synctest.Wait()
			text, number, _, err := c.pub.next(have)
			var f frame
			if err = errors.Join(err, json.Unmarshal(text, &f)); err != nil {
				t.Fatal(err)
			}
			if have = number; f.Missed != nil {
				sent++
			}
		}
		if asked != 3 || sent != 3 {
			t.Errorf("in 150 seconds asked %d times, sent %d times", asked, sent)
		}
		text, _, _, err := c.pub.next(0) // of a new page
		if err != nil || !strings.Contains(string(text), `"missed":{"at":`) {
			t.Errorf("%.100s, %v", text, err)
		}
		stop()
	})
}
