package once_test

import (
	"testing"

	"wildix-worker/events/once"
	"wildix-worker/events/once/internal/storetest"
)

func TestLocalStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) once.Store { return once.NewLocalStore(once.DefaultKeys) })
}
