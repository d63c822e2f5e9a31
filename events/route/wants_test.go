package route_test

import (
	"errors"
	"testing"

	"wildix-worker/events"
	"wildix-worker/events/route"
)

func TestWants(t *testing.T) {
	refuseAll := func(*events.Event) (bool, error) { return false, nil }
	for name, test := range map[string]struct {
		on          [][]string
		wants, only bool
	}{
		"all types":           {[][]string{nil}, true, false},
		"another type":        {[][]string{{"call:start"}}, false, false},
		"that type":           {[][]string{{"call:end"}, {"call:end", "call:end"}}, true, true},
		"that type or others": {[][]string{{"call:start", "call:end"}}, true, false},
		"a prefix":            {[][]string{{"call:start"}, {"call:*"}}, true, false},
		"two destinations":    {[][]string{{"call:end"}, {"presence:*"}}, true, false},
	} {
		cfg := route.Config{}
		for i, on := range test.on {
			cfg.Destinations = append(cfg.Destinations, route.Destination{Name: string(rune('a' + i)), Handler: &endpoint{}, On: on, When: refuseAll})
		}
		router, err := route.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if wants, only := router.Wants("call:end"), router.WantsOnly("call:end"); wants != test.wants || only != test.only {
			t.Errorf("%s: wants %t, only %t", name, wants, only)
		}
	}
}

func TestDestinationSaysWhetherItWantsAnEvent(t *testing.T) {
	broken := errors.New("no item 0")
	for name, test := range map[string]struct {
		d           route.Destination
		ofType, all bool
		err         error
	}{
		"all types":         {route.Destination{}, true, true, nil},
		"a prefix":          {route.Destination{On: []string{"call:*"}}, true, true, nil},
		"another type":      {route.Destination{On: []string{"call:start"}, When: func(*events.Event) (bool, error) { return false, broken }}, false, false, nil},
		"a false condition": {route.Destination{When: func(*events.Event) (bool, error) { return false, nil }}, true, false, nil},
		"a wrong condition": {route.Destination{When: func(*events.Event) (bool, error) { return true, broken }}, true, false, broken},
	} {
		all, err := test.d.Wants(&events.Event{Type: "call:end"})
		if ofType := test.d.WantsType("call:end"); ofType != test.ofType || all != test.all || !errors.Is(err, test.err) {
			t.Errorf("%s: type %t, event %t, %v", name, ofType, all, err)
		}
	}
}
