package command

import (
	"testing"
	"time"
)

// SetGrace sets the time between SIGTERM and SIGKILL until the test ends.
func SetGrace(t *testing.T, d time.Duration) {
	usual := grace
	grace = d
	t.Cleanup(func() { grace = usual })
}
