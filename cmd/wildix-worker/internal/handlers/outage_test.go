package handlers

import (
	"slices"
	"strings"
	"testing"
	"time"

	"wildix-worker/events/route"
)

func TestOutagesDescribesDestinationsThatTakeNoEvents(t *testing.T) {
	at := time.Date(2026, 5, 1, 15, 4, 5, 0, time.UTC)
	stats := []route.Stats{
		{Name: "store", Since: at, Held: 5, LastError: "disk is full", LastFailure: at, LastSuccess: at.Add(time.Second)},
		{Name: "log", Since: at, Held: 5, Queued: 5, LastError: "disk is full", LastFailure: at},
		{Name: "forward", State: route.Down, Since: at, Held: 120, LastError: "status 503"},
		{Name: "command", State: route.Paused, Since: at, Until: at.Add(time.Minute), Held: 1},
		{Name: "email", Since: at, Held: 2, LastError: "no route to host", LastFailure: at},
	}
	want := []string{
		"destination forward is down since 2026-05-01T15:04:05Z (STATUS 503), 120 events held",
		"destination command is paused until 2026-05-01T15:05:05Z, 1 event held",
		"destination email is failing (NO ROUTE TO HOST), 2 events held",
	}
	if got := Outages(stats, strings.ToUpper); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if got := Outages(stats, nil); strings.Contains(got[0], "503") {
		t.Errorf("%q shows the error", got[0])
	}
}
