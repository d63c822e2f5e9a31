package soak_test

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// The workers are children of the test binary (see worker_test.go). A run that
// means it has some ten thousand messages:
//
//	go test -v -timeout 3h ./consumer/soak -messages 200000
//
// Without the flag there are just enough to see that the soak itself works.
var messages = flag.Int("messages", fewMessages, "`number` of messages that the soak sends")

const fewMessages = 500

func TestMain(m *testing.M) {
	if text := os.Getenv(jobVariable); text != "" {
		if err := work(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}
