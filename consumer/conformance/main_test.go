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

// A server speaks SQS. The tests run against each of servers: the embedded
// one, and those of CONFORMANCE_SERVERS="moto=http://127.0.0.1:5000 ...".
type server struct{ name, url string }

var servers []server

// quirks is all that is excused: where a server does otherwise than SQS. The
// test is skipped there, or made with polls that are short enough for it.
var quirks = []struct {
	server, test string
	allow        allowance
	because      string
}{
	{"localstack", "TestFailureKeepsTheGroupInOrder", skipped,
		"it gives out the rest of a FIFO group while a message of it is still hidden"},
	{"moto", "TestGroupsAreHandledInOrder", shortPolls,
		"a poll that begins while all FIFO groups are locked doesn't see them unlocked"},
	{"moto", "TestFailureKeepsTheGroupInOrder", shortPolls,
		"a poll that begins while all FIFO groups are locked doesn't see them unlocked"},
	{"moto", "TestEventsOfACallKeepTheirOrderByWebhook", shortPolls,
		"a poll that begins while all FIFO groups are locked doesn't see them unlocked"},
	{"fauxqs", "TestEmojiArriveAsTheyWereSigned", skipped,
		"it takes no characters beyond U+FFFF"},
}

type allowance int

const (
	skipped    allowance = iota + 1
	shortPolls           // of a second
)

// connections are shared by all clients.
var connections = &http.Transport{MaxIdleConnsPerHost: 64}

func TestMain(m *testing.M) {
	// The tests wait more than they work. -parallel overrides this.
	if err := flag.Set("test.parallel", "24"); err != nil {
		panic(err)
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	embedded := sqslocal.New(sqslocal.Options{})
	if err := embedded.Start(""); err != nil {
		return failed(err)
	}
	defer embedded.Close()
	servers = append(servers, server{"sqslocal", embedded.URL()})
	for _, text := range strings.Fields(os.Getenv("CONFORMANCE_SERVERS")) {
		name, url, ok := strings.Cut(text, "=")
		if !ok {
			return failed(fmt.Errorf("CONFORMANCE_SERVERS: %q is not NAME=URL", text))
		}
		servers = append(servers, server{name, url})
	}
	if code := m.Run(); code != 0 {
		return code
	}
	embedded.Close()
	connections.CloseIdleConnections()
	if err := goleak.Find(); err != nil {
		return failed(err)
	}
	return 0
}

func failed(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// everywhere runs a test against every server, on a queue of the kind.
func everywhere(t *testing.T, kind kind, test func(s *site)) {
	t.Parallel()
	for _, srv := range servers {
		t.Run(srv.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, srv, kind)
			for _, quirk := range quirks {
				if quirk.server != srv.name || !strings.HasPrefix(t.Name(), quirk.test+"/") {
					continue
				}
				if quirk.allow == skipped {
					t.Skip("excused:", quirk.because)
				}
				t.Log("with short polls:", quirk.because)
				s.shortPolls = true
			}
			test(s)
		})
	}
}
