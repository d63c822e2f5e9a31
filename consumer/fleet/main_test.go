package fleet_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// everything is set for fleets of up to 100 workers and whole days, which take minutes:
//
//	FLEET=all go test -v -timeout 1h -run TestFleet ./consumer/fleet
var everything = os.Getenv("FLEET") == "all"
