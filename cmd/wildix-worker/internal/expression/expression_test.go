package expression

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"wildix-worker/events"
)

func event(t testing.TB, text string) *events.Event {
	t.Helper()
	e, err := events.Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

const (
	missed = `{"id":"1","type":"call:finished","time":1767225600000,"pbx":"s1","data":{"missed":true,"direction":"inbound","duration":12.5,"caller":{"phone":"+39046100","name":"Ann"}}}`
	ended  = `{"id":"1","type":"call:end","time":1767225600000,"data":{"status":"END","tags":["vip","it"],"callee":{"userExtension":"101"}}}`
	odd    = `{"id":"1","type":"chat:new","time":1767225600000,"data":{"x":1}}`
)

func TestConditionsSelectEvents(t *testing.T) {
	for _, c := range []struct {
		on         []string
		text, body string
		want       bool
	}{
		{[]string{"call:finished"}, `call.missed && call.direction == "inbound"`, missed, true},
		{[]string{"call:finished"}, `call.duration > 12 and call.duration < 13`, missed, true},
		{[]string{"call:finished"}, `call.caller.phone startsWith "+39"`, missed, true},
		{[]string{"call:finished"}, `call.callee.name == "" and call.callee == nil and call.caller != nil`, missed, true},
		{[]string{"call:*", "call:finished"}, `call != nil && call.missed`, ended, false},
		{[]string{"call:*", "call:finished"}, `call.missed`, ended, false},
		{[]string{"call:*", "call:finished"}, `call.missed`, missed, true},
		{nil, `event.data.missed`, missed, true},
		{nil, `event.data.missed`, odd, false},
		{[]string{"call:end"}, `"vip" in event.data.tags`, ended, true},
		{[]string{"call:end"}, `any(event.data.tags, # matches "^i")`, ended, true},
		{[]string{"call:*"}, `len(event.data.tags) == 2 ? true : false`, ended, true},
		{[]string{"call:end"}, `lower(event.data.status) in ["end", "x"] and event.data.callee.userExtension == "101"`, ended, true},
		{nil, `event.type == "chat:new" && event.time.Hour() == 0 && event.time.UTC().Year() == 2026`, odd, true},
		{nil, `event.replay`, missed, false},
		{nil, `event.pbx == "s1" || event.receiveCount > 3`, missed, true},
	} {
		x, faults := Compile(c.text, c.on)
		if faults != nil {
			t.Errorf("%s: %v", c.text, faults)
			continue
		}
		if got, err := x.Match(event(t, c.body)); got != c.want || err != nil {
			t.Errorf("%s: %t, %v", c.text, got, err)
		}
	}
}

// The race detector looks on: an event in which an object or a list is missing makes the
// expression use a value that all of them share.
func TestEventsMatchAtOnce(t *testing.T) {
	e := event(t, `{"id":"1","type":"call:start","time":1767225600000,"data":{"caller":{"phone":"201"}}}`)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			x, faults := Compile(`len(event.data.tags) == 0 && event.data.callee == nil`, []string{"call:*"})
			if faults != nil {
				t.Error(faults)
				return
			}
			for range 4 {
				all.Go(func() {
					if fits, err := x.Match(e); !fits || err != nil {
						t.Errorf("%t, %v", fits, err)
					}
				})
			}
		})
	}
	all.Wait()
}

func TestWrongConditionsDoNotCompile(t *testing.T) {
	for _, c := range []struct{ on, text, want string }{
		{"call:end", `call.missed`, "0 no event of on has a whole call; write call:finished in on"},
		{"call:*", `call.missed`, "0 no event of on has a whole call; write call:finished in on"},
		{"", `call.missed`, "0 no event of on has a whole call; write call:finished in on"},
		{"call:*", `event.data.missed`, "11 no event of on has the field missed"},
		{"call:finished", `call.mised && call.duration > "x"`, `5 no event of on has the field mised; did you mean "missed"?`},
		{"call:end", `event.data.direction == "x"`, `11 no event of on has the field direction`},
		{"call:end", `evnt.id == ""`, `0 unknown name evnt; did you mean "event"?`},
		{"call:end", `event.id`, `0 expected bool, but got string`},
		{"call:end", `event.id ==`, `10 unexpected token EOF`},
		{"call:end", `event.id == 1`, `9 invalid operation: == (mismatched types string and int)`},
		{"call:end", ` `, `0 empty; leave the key out for all events`},
		{"call:end", `let a = event.id; a == ""`, `4 not supported in a condition`},
		{"call:end", `len(1..100000000) > 1`, `5 ranges are not supported; compare with >= and <=`},
		{"call:end", `event.id + event.id == ""`, `9 only numbers can be added`},
		{"call:end", `event.id matches event.type`, `23 the pattern of matches must be a text in quotes`},
		{"call:end", `event.id matches "("`, "17 missing closing ): `(`"},
		{"call:end", `event.id matches "(a{100}){10}"`, `17 the patterns are too large`},
		{"call:end", `event.receiveCount matches "1"`, `6 matches needs a text`},
		{"call:end", strings.Repeat("lower(", 21) + "event.id" + strings.Repeat(")", 21) + ` == ""`, `more than 20 calls of functions`},
		{"call:end", `any(event.data.tags, any(#, true))`, `21 any within another function is not supported`},
		{"call:end", `any(event.data.tags, event.id contains #)`, `21 within a function only # is known`},
		{"call:end", `repeat(event.id, 1000) == ""`, `0 unknown function repeat (have len, lower, upper, trim, any, all, none, one, count)`},
		{"call:end", `trim(event.id, event.type) == ""`, `21 trim has one argument`},
		{"call:end", `event.time.Weekday() == 1`, `11 a time has no function Weekday`},
		{"call:end", `event.time.AddDate(1, 1, 1) == event.time`, `only a time has functions`},
		{"call:end", `event.data == 1`, `11 invalid operation: == (mismatched types an object and int)`},
		{"call:end", `$env == nil`, `unknown name $env`},
		{"call:end", `any(event.id, true)`, `10 any needs a list`},
		{"call:end", strings.Repeat("x", 5000), `0 longer than 4096 letters`},
		{"call:end", strings.Repeat("true && ", 300) + "true", `exceeds maximum allowed nodes`},
		{"call:end", `event.data.queueName == nil`, `21 only call and objects such as event.data.caller can be nil`},
		{"call:end", `nil != event.data.tags`, `4 only call and objects`},
		{"call:end", `event.data.$present`, `no event of on has the field $present`},
	} {
		_, faults := Compile(c.text, strings.Fields(c.on))
		if len(faults) == 0 {
			t.Errorf("%.60s compiles", c.text)
			continue
		}
		if got := fmt.Sprint(faults[0].Offset, " ", faults[0].Text); !strings.Contains(got, c.want) {
			t.Errorf("%.60s:\ngot  %s\nwant %s", c.text, got, c.want)
		}
	}
}

func TestFailingConditionIsAnError(t *testing.T) {
	x, faults := Compile(`event.data.tags[7] == "x"`, []string{"call:end"})
	if faults != nil {
		t.Fatal(faults)
	}
	if fits, err := x.Match(event(t, ended)); fits || err == nil || strings.Contains(err.Error(), "vip") {
		t.Errorf("%t, %v", fits, err)
	}
}

// A pattern of 200 instructions takes two seconds for a text of 1 MiB.
func TestTooMuchWorkForAnEventIsAnError(t *testing.T) {
	long := `{"id":"1","type":"call:end","time":1767225600000,"data":{"status":"` + strings.Repeat("a", 1_000_000) + `"}}`
	many := `{"id":"1","type":"call:end","time":1767225600000,"data":{"tags":["x"` + strings.Repeat(`,"`+strings.Repeat("a", 100)+`"`, 9_999) + `]}}`
	for _, c := range []struct {
		text, body string
		tooMuch    bool
	}{
		{`event.data.status matches "(a?){70}b$"`, long, true},
		{`event.data.status matches "(a?){5}b$" || event.data.status matches "(a?){5}c$"`, long, true},
		{`all(event.data.tags, # matches "(a?){40}b?$")`, many, true},
		{`event.data.status matches "(?i)refund|cancel"`, long, false},
		{`event.data.status matches "(a?){70}b$"`, ended, false},
		{`any(event.data.tags, # matches "b$")`, many, false},
	} {
		x, faults := Compile(c.text, []string{"call:end"})
		if faults != nil {
			t.Fatal(faults)
		}
		switch _, err := x.Match(event(t, c.body)); {
		case c.tooMuch && (err == nil || !strings.Contains(err.Error(), "the texts of the event are too long for the patterns of matches")):
			t.Errorf("%s: %v", c.text, err)
		case !c.tooMuch && err != nil:
			t.Errorf("%s: %v", c.text, err)
		}
	}
}

func BenchmarkMatch(b *testing.B) {
	x, _ := Compile(`call.missed && call.direction == "inbound"`, []string{"call:finished"})
	e := event(b, missed)
	for b.Loop() {
		x.Match(e)
	}
}
