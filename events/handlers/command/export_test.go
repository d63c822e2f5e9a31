package command

import (
	"testing"
	"time"
)

// SetGrace gives process groups longer until the test ends.
func SetGrace(t *testing.T, d time.Duration) {
	usual := grace
	grace = d
	t.Cleanup(func() { grace = usual })
}
