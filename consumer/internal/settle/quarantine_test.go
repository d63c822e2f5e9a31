package settle

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"wildix-worker/internal/sqscall"
)

var forged = Copy{Body: []byte("forged"), Outcome: "rejected", Reason: "signature mismatch"}

func TestQuarantinedMessageIsSentAndThenDeleted(t *testing.T) {
	within(t, func(s *site) {
		sig := sqscall.Text("0000")
		c := forged
		c.Signature = &sig
		s.Quarantine(s.admit("a"), c)
		time.Sleep(5 * time.Second)
		sent, deleted := s.made(opQuarantine), s.made(opDelete)
		if len(sent) != 1 || len(deleted) != 1 || deleted[0].at <= sent[0].at {
			t.Fatalf("sent by %+v, deleted by %+v", sent, deleted)
		}
		entry := sent[0].sent[0]
		for name, want := range map[string]string{
			"X-SIGNATURE": "0000", "WILDIX-OUTCOME": "rejected", "WILDIX-REASON": "signature mismatch", "WILDIX-MESSAGE-ID": "a",
		} {
			if got := entry.MessageAttributes[name].StringValue; got == nil || *got != want {
				t.Errorf("%s is not %q", name, want)
			}
		}
		if *entry.MessageBody != "forged" || *entry.MessageGroupId != "a" || *entry.MessageDeduplicationId != "a" {
			t.Errorf("sent %+v", entry)
		}
		s.wantStats(Stats{Quarantined: 1, Deleted: 1})
	})
}

func TestMessageThatTheQuarantineQueueRefusesIsLeft(t *testing.T) {
	for name, answers := range map[string]func(call) answer{
		"call fails":   failing(opQuarantine),
		"entry fails":  refusing(opQuarantine, "AccessDenied"),
		"call is slow": func(call) answer { return answer{delay: time.Hour} },
	} {
		t.Run(name, func(t *testing.T) {
			within(t, func(s *site) {
				s.answer(answers)
				s.Quarantine(s.admit("a"), forged)
				time.Sleep(visibility)
				s.wantMade(opDelete)
				s.wantStats(Stats{Left: 1})
				s.admit("a") // and not known as done
			})
		})
	}
}

func TestSlowQuarantineHoldsNoMoreThanAHundredMessages(t *testing.T) {
	within(t, func(s *site) {
		s.answer(failing(opQuarantine))
		leases := s.admitMany(300)
		for _, l := range leases {
			s.Quarantine(l, forged)
		}
		if got := s.Stats(); got.Unsettled > 100+maxCalls*sqscall.MaxBatch || got.Left < 300-100-maxCalls*sqscall.MaxBatch {
			t.Errorf("stats %+v", got)
		}
		time.Sleep(visibility)
		s.wantStats(Stats{Left: 300})
	})
}

func TestLargeCopiesAreSentInSeparateCalls(t *testing.T) {
	within(t, func(s *site) {
		for i, size := range []int{sqscall.MaxSize, sqscall.MaxSize / 2, sqscall.MaxSize/2 - 1000, 100} {
			c := forged
			c.Body = bytes.Repeat([]byte("x"), size)
			s.Quarantine(s.admit(fmt.Sprint("m", i)), c)
		}
		time.Sleep(5 * time.Second)
		made := s.made(opQuarantine)
		slices.SortFunc(made, func(a, b call) int { return len(a.sent) - len(b.sent) })
		if len(made) != 2 || len(made[0].sent) != 1 || len(made[1].sent) != 3 {
			t.Fatalf("sent by %d calls, want one about the largest message and one about the others", len(made))
		}
		if largest := made[0].sent[0]; len(largest.MessageAttributes) != 0 {
			t.Errorf("the largest message was sent with %d attributes, for which there is no room", len(largest.MessageAttributes))
		}
		s.wantStats(Stats{Quarantined: 4, Deleted: 4})
	})
}

func TestLostMessageIsNotQuarantined(t *testing.T) {
	within(t, func(s *site) {
		s.answer(failing(opExtend))
		l := s.admit("a")
		time.Sleep(visibility)
		s.Quarantine(l, forged)
		time.Sleep(time.Second)
		s.wantMade(opQuarantine)
		s.wantStats(Stats{Lost: 1})
	})
}
