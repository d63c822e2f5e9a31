package route_test

import (
	"context"
	"testing"
	"time"

	"wildix-worker/events"
	"wildix-worker/events/route"
)

func TestNewReportsEveryFault(t *testing.T) {
	handler := events.HandlerFunc(func(context.Context, *events.Event) error { return nil })
	_, err := route.New(route.Config{Destinations: []route.Destination{
		{Name: "a", Handler: handler, On: []string{"call:end", "call:*", "*"}},
		{Name: "a", Handler: handler},
		{Handler: events.HandlerFunc(nil), On: []string{"", "call:*:end", "**"}, Concurrency: -1, Timeout: -time.Second},
	}})
	want := `Destinations[1].Name: "a" is also the name of Destinations[0]
Destinations[2].Name: required
Destinations[2].Handler: a nil pointer or function in an events.Handler
Destinations[2].On: pattern "": want a type, or a prefix and one * at its end
Destinations[2].On: pattern "call:*:end": want a type, or a prefix and one * at its end
Destinations[2].On: pattern "**": want a type, or a prefix and one * at its end
Destinations[2].Concurrency: -1 is negative
Destinations[2].Timeout: -1s is negative`
	if err == nil || err.Error() != want {
		t.Errorf("got:\n%v\nwant:\n%s", err, want)
	}
	empty := route.Destination{Name: "crm", Handler: &events.Mux{}}
	if _, err := route.New(route.Config{Destinations: []route.Destination{empty}}); err == nil {
		t.Error("a Mux without handlers is accepted")
	}
	if _, err := route.New(route.Config{}); err == nil {
		t.Error("a Router without destinations would have every event deleted")
	}
}

func TestConcurrencyHasRoomForEachDestination(t *testing.T) {
	router := newRouter(t,
		route.Destination{Name: "default", Handler: &endpoint{}},
		route.Destination{Name: "one", Handler: &endpoint{}, Concurrency: 1},
		route.Destination{Name: "many", Handler: &endpoint{}, Concurrency: 100})
	if got, want := router.Concurrency(), 64+10+100; got != want {
		t.Errorf("got %d, want %d", got, want)
	}
}
