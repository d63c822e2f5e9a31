package settle

import (
	"testing"
	"time"
)

// A pause is up to five seconds, and with full jitter half of that on average, so that
// many workers don't call at the same time.
func TestFailedCallsAreRepeatedAfterRandomPauses(t *testing.T) {
	for name, answers := range map[string]func(call) answer{
		"call fails":    failing(opDelete),
		"entry refused": refusing(opDelete, "InternalError"),
	} {
		t.Run(name, func(t *testing.T) {
			within(t, func(s *site) {
				s.answer(answers)
				s.Delete(s.admit("a"))
				time.Sleep(30 * time.Minute)
				if n := len(s.made(opDelete)); n < 600 || n > 850 {
					t.Errorf("%d calls in half an hour, want about 720", n)
				}
				s.answer(nil)
			})
		})
	}
}
