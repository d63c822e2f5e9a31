package soak_test

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// By default, there are just enough messages to see that the soak itself works. A
// thorough run has more than ten thousand:
//
//	go test -v -timeout 3h ./consumer/soak -messages 200000
var messageCount = flag.Int("messages", defaultMessages, "`number` of messages that the soak sends")

const defaultMessages = 500

func TestMain(m *testing.M) {
	if config := os.Getenv(configVariable); config != "" { // see child_test.go
		if err := runWorker(config); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}
