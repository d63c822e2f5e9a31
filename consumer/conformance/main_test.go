package conformance_test

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"wildix-worker/consumer/sqslocal"
)

// A server implements the SQS API.
type server struct{ name, url string }

// servers are those that the tests run against: the embedded one, and those of
// CONFORMANCE_SERVERS="moto=http://127.0.0.1:5000 ...".
var servers []server

// quirks are the known differences between a server and SQS. With that server, the test
// is skipped or uses short polls.
var quirks = []struct {
	server, test string
	workaround   workaround
	reason       string
}{
	{"localstack", "TestFailureKeepsGroupInOrder", skip,
		"it delivers the rest of a FIFO group while a message of the group is in flight"},
	{"moto", "TestGroupsAreHandledInOrder", shortPolls,
		"a poll that starts while all FIFO groups are locked does not see them unlocked"},
	{"moto", "TestFailureKeepsGroupInOrder", shortPolls,
		"a poll that starts while all FIFO groups are locked does not see them unlocked"},
	{"moto", "TestWebhookKeepsOrderOfCall", shortPolls,
		"a poll that starts while all FIFO groups are locked does not see them unlocked"},
	{"moto", "TestRedrivenMessageIsHandledAgain", skip,
		"it has no message move tasks"},
	{"fauxqs", "TestRedrivenMessageIsHandledAgain", skip,
		"it has no message move tasks"},
	{"fauxqs", "TestEmojiArriveUnchanged", skip,
		"it does not accept characters above U+FFFF"},
}

type workaround int

const (
	skip       workaround = iota + 1
	shortPolls            // of one second
)

// transport is shared by all clients.
var transport = &http.Transport{MaxIdleConnsPerHost: 64}

func TestMain(m *testing.M) {
	// The tests mostly wait. -parallel overrides this.
	if err := flag.Set("test.parallel", "24"); err != nil {
		panic(err)
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	embedded := sqslocal.New(sqslocal.Options{})
	if err := embedded.Start(""); err != nil {
		return fail(err)
	}
	defer embedded.Close()
	servers = append(servers, server{"sqslocal", embedded.URL()})
	for text := range strings.FieldsSeq(os.Getenv("CONFORMANCE_SERVERS")) {
		name, url, ok := strings.Cut(text, "=")
		if !ok {
			return fail(fmt.Errorf("CONFORMANCE_SERVERS: %q is not NAME=URL", text))
		}
		servers = append(servers, server{name, url})
	}
	if code := m.Run(); code != 0 {
		return code
	}
	embedded.Close()
	transport.CloseIdleConnections()
	if err := goleak.Find(); err != nil {
		return fail(err)
	}
	return 0
}

func fail(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// onEveryServer runs a test against every server, on a queue of that kind.
func onEveryServer(t *testing.T, kind kind, test func(q *testQueue)) {
	t.Parallel()
	for _, srv := range servers {
		t.Run(srv.name, func(t *testing.T) {
			t.Parallel()
			q := newTestQueue(t, srv, kind)
			for _, quirk := range quirks {
				if quirk.server != srv.name || !strings.HasPrefix(t.Name(), quirk.test+"/") {
					continue
				}
				if quirk.workaround == skip {
					t.Skip(quirk.reason)
				}
				t.Log("using short polls:", quirk.reason)
				q.shortPolls = true
			}
			test(q)
		})
	}
}
