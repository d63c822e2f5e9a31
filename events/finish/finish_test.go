package finish_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"wildix-worker/events"
	"wildix-worker/events/finish"
	"wildix-worker/events/once"
)

func TestCallFinishedHasTheWholeCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFirm(t)
		start := time.Now()
		f.want("start", f.deliver(event("call-1", events.CallStart, `{"status":"CONNECTING","caller":`+ada+`,"queueName":"Support"}`)), events.Handled, 0)
		time.Sleep(4 * time.Second)
		f.want("update", f.deliver(event("call-1", events.CallUpdate, `{"status":"TALKING","callee":`+sales+`,"destination":"201"}`)), events.Handled, 0)
		late := event("call-1", events.CallUpdate, `{"status":"TALKING","trunkName":"Main trunk"}`)
		time.Sleep(time.Minute)
		end := f.deliver(event("call-1", events.CallEnd, `{"endCause":"16","endCauseStr":"Normal Clearing","endBy":"CALLER"}`))
		time.Sleep(9 * time.Second)
		f.want("late update", f.deliver(late), events.Handled, 0)
		if end.done() || len(f.archive.of(events.CallEnd)) != 1 {
			t.Errorf("call:end is done %t, and was passed on %d times", end.done(), len(f.archive.of(events.CallEnd)))
		}
		time.Sleep(time.Minute)
		f.want("end", end, events.Handled, 10*time.Second)
		finished := f.finished.of(events.CallFinished)
		if len(finished) != 1 {
			t.Fatalf("%d events", len(finished))
		}
		e := finished[0]
		if e.ID != "call-1" || e.Company != "example" || e.PBX != "221100001bab" || e.IntegrationID != "8qkmnq" || !e.Time.Equal(start.Add(64*time.Second)) ||
			e.Signature != "" || e.ReceiveCount != 1 {
			t.Errorf("%+v", e)
		}
		got, err := json.Marshal(e.Data)
		if err != nil {
			t.Fatal(err)
		}
		null := `"userId":null,"userExtension":null,"userDepartment":null,"groupId":null,"groupName":null,"userAgent":null,"userDevice":null,"role":null,"license":null}`
		want := `{"caller":{"type":"REMOTE","phone":"+12025550100","name":"Ada Example","company":null,"email":null,` + null +
			`,"callee":{"type":"LOCAL","phone":"201","name":"Sales","company":null,"email":null,"userId":null,"userExtension":"201"` + null[len(`"userId":null,"userExtension":null`):] +
			`,"direction":"inbound","destination":"201","queue":"Support","trunk":"Main trunk","started":946684800000,"answeredAt":946684804000,"ended":946684864000,` +
			`"duration":64,"waited":4,"answered":true,"missed":false,"endCause":"16","endCauseStr":"Normal Clearing","endBy":"CALLER"}`
		if string(got) != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

func TestWhichCallsAreMissed(t *testing.T) {
	for name, test := range map[string]struct {
		events [][2]string // type and data
		missed bool
	}{
		"the caller gives up": {[][2]string{{events.CallStart, `{"status":"RINGING","caller":` + ada + `,"callee":` + sales + `}`},
			{events.CallEnd, `{"status":"RINGING","endCause":"16","endBy":"CALLER"}`}}, true},
		"busy":               {[][2]string{{events.CallEnd, `{"status":"CONNECTING","caller":` + ada + `,"endCause":"17"}`}}, true},
		"no answer":          {[][2]string{{events.CallEnd, `{"status":"RINGING","caller":` + ada + `,"endCause":"19"}`}}, true},
		"rejected":           {[][2]string{{events.CallEnd, `{"status":"RINGING","caller":` + ada + `,"endCause":"21","endBy":"CALLEE"}`}}, true},
		"leaves a queue":     {[][2]string{{events.CallEnd, `{"status":"CONNECTING","caller":` + ada + `,"queueName":"Support","endCause":"16"}`}}, true},
		"answered":           {[][2]string{{events.CallUpdate, `{"status":"TALKING"}`}, {events.CallEnd, `{"caller":` + ada + `,"endCause":"16"}`}}, false},
		"outbound":           {[][2]string{{events.CallEnd, `{"caller":` + sales + `,"callee":` + ada + `,"endCause":"19"}`}}, false},
		"voice mail":         {[][2]string{{events.CallEnd, `{"status":"TALKING","caller":` + ada + `,"endCause":"16"}`}, {events.CallCompleted, `{"flows":[{"callStatus":"MISSED"}]}`}}, true},
		"answered elsewhere": {[][2]string{{events.CallEnd, `{"caller":` + ada + `}`}, {events.CallCompleted, `{"flows":[{"callStatus":"MISSED"},{"callStatus":"COMPLETED"}]}`}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFirm(t)
				for _, e := range test.events {
					f.deliver(event("call-1", e[0], e[1]))
					time.Sleep(time.Second)
				}
				time.Sleep(time.Minute)
				synctest.Wait()
				finished := f.finished.of(events.CallFinished)
				if len(finished) != 1 || finished[0].Data.(*events.FinishedCall).Missed != test.missed {
					t.Errorf("%d events, want missed %t: %s", len(finished), test.missed, finished[0].Raw)
				}
			})
		})
	}
}

func TestOneEventIsResponsible(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFirm(t)
		first := f.deliver(event("call-1", events.CallLiveCompleted, `{"status":"TALKING"}`))
		second := f.deliver(event("call-1", events.CallEnd, `{"caller":`+ada+`}`))
		f.want("second", second, events.Handled, 0)
		time.Sleep(time.Minute)
		f.want("first", first, events.Handled, 10*time.Second)
		f.want("third", f.deliver(event("call-1", events.CallCompleted, `{}`)), events.Handled, 0)
		time.Sleep(time.Minute)
		synctest.Wait()
		if finished := f.finished.of(events.CallFinished); len(finished) != 1 || finished[0].Data.(*events.FinishedCall).Caller == nil {
			t.Errorf("%d events", len(finished))
		}
	})
}

// A repeat does not wait again, and has the same bytes, whatever came in between.
func TestRepeatsHaveTheSameBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFirm(t)
		end := event("call-1", events.CallEnd, `{"caller":`+ada+`}`)
		f.deliver(end)
		both := f.deliverTo(t.Context(), f.worker(), end)
		time.Sleep(time.Minute)
		f.want("both", both, events.Handled, 10*time.Second)
		f.deliver(event("call-1", events.CallUpdate, `{"callee":`+sales+`}`))
		again := f.deliverTo(t.Context(), f.worker(), end)
		f.want("again", again, events.Handled, 0)
		finished := f.finished.of(events.CallFinished)
		if len(finished) != 3 || finished[0].DeliveryKey() != finished[1].DeliveryKey() || finished[1].DeliveryKey() != finished[2].DeliveryKey() {
			t.Errorf("%d events", len(finished))
		}
	})
}

func TestOnceRecognisesRepeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFirm(t)
		wrap, err := once.New(once.Config{Name: "finished"})
		if err != nil {
			t.Fatal(err)
		}
		finished := wrap(f.finished)
		next := func(ctx context.Context, e *events.Event) error {
			if e.Type == events.CallFinished {
				return finished.HandleEvent(ctx, e)
			}
			return events.ErrDuplicate
		}
		end := event("call-1", events.CallEnd, `{}`)
		f.deliverTo(t.Context(), plain(t, f.state, next), end)
		time.Sleep(11 * time.Second)
		f.deliver(event("call-1", events.CallUpdate, `{"caller":`+ada+`}`))
		again := f.deliverTo(t.Context(), plain(t, f.state, next), end)
		f.want("again", again, events.Duplicate, 0)
		if n := len(f.finished.of(events.CallFinished)); n != 1 {
			t.Errorf("%d events", n)
		}
	})
}

func TestNothingWaitsIfCallFinishedIsNotWanted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFirm(t)
		h, err := finish.New(finish.Config{Next: unwanting{f.archive}, State: f.state})
		if err != nil {
			t.Fatal(err)
		}
		f.want("end", f.deliverTo(t.Context(), h, event("call-1", events.CallEnd, `{}`)), events.Handled, 0)
		if f.state.count != 0 {
			t.Error("the state was used")
		}
		f.want("fax", f.deliver(event("fax-1", "fax:sent", `{}`)), events.Handled, 0)
		f.want("other", f.deliver(event("1", "chat:message", `{}`)), events.Ignored, 0)
		if f.state.count != 0 {
			t.Error("the state was used for an event of no call")
		}
	})
}

type unwanting struct{ events.Handler }

func (unwanting) Wants(string) bool { return false }

// An event that no destination wants is handled, since the state has it.
func TestEventForTheStateAloneIsHandled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFirm(t)
		f.want("live", f.deliver(event("call-1", events.CallLiveProgress, `{}`)), events.Handled, 0)
		f.archive.set(func(context.Context, *events.Event) error { return events.ErrDuplicate })
		f.want("repeat", f.deliver(event("call-1", events.CallStart, `{}`)), events.Duplicate, 0)
		f.finished.set(func(context.Context, *events.Event) error { return events.ErrDuplicate })
		end := f.deliver(event("call-1", events.CallLiveCompleted, `{}`))
		time.Sleep(time.Minute)
		f.want("repeated end", end, events.Duplicate, 10*time.Second)
	})
}

// A webhook has 4.5 seconds for everything.
func TestGraceIsHalfOfTheTimeOfAWebhook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFirm(t)
		ctx, cancel := context.WithTimeout(t.Context(), 4500*time.Millisecond)
		defer cancel()
		held := f.deliverTo(ctx, f.handler, event("call-1", events.CallEnd, `{}`))
		time.Sleep(time.Minute)
		f.want("held", held, events.Handled, 2250*time.Millisecond)

		ctx, cancel = context.WithTimeout(t.Context(), 4*time.Second)
		defer cancel()
		begun := time.Now()
		if err := f.handler.HandleEvent(ctx, event("call-2", events.CallEnd, `{}`)); err != nil || time.Since(begun) != 2*time.Second {
			t.Errorf("without a Delivery: %v after %s", err, time.Since(begun))
		}
		if n := len(f.finished.of(events.CallFinished)); n != 2 {
			t.Errorf("%d events", n)
		}
	})
}

func TestNewReportsEveryFault(t *testing.T) {
	_, err := finish.New(finish.Config{Grace: -1, Timeout: -1})
	want := "Next: required\nState: required\nGrace: -1ns is negative\nTimeout: -1ns is negative"
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
	if _, ok := errors.AsType[*events.FieldError](err); !ok {
		t.Errorf("got %T", err)
	}
}
