package check

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"wildix-worker/cmd/wildix-worker/internal/awsclient"
	"wildix-worker/cmd/wildix-worker/internal/awstest"
)

// findingsOf returns the findings of the destinations of a file.
func findingsOf(t *testing.T, file string) map[string]finding {
	t.Helper()
	srv := awstest.StartLocal(t)
	_, queueURL := awstest.NewQueue(t, srv.URL(), "")
	return findingsWith(t, queueURL, file)
}

func findingsWith(t *testing.T, queueURL, file string) map[string]finding {
	t.Helper()
	name := filepath.Join(t.TempDir(), "worker.yaml")
	awstest.Fatal(t, os.WriteFile(name, []byte(file), 0o600))
	var cmd Command
	parser, err := kong.New(&cmd)
	awstest.Fatal(t, err)
	_, err = parser.Parse([]string{"--config", name, "--queue-url", queueURL})
	awstest.Fatal(t, err)
	all := make(map[string]finding)
	i := &inspection{settings: &cmd.Settings, timeout: awsclient.Timeout}
	if runAll(t.Context(), i, func(name string, f finding) { all[name] = f }) {
		t.Fatal("stopped")
	}
	return all
}

// The endpoint hangs up only when all three have connected: if they were tried one after
// another, the first would wait in vain.
func TestDestinationsAreTriedAtOnce(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	awstest.Fatal(t, err)
	defer l.Close()
	go func() {
		var all []net.Conn
		for range 3 {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			all = append(all, conn)
		}
		for _, conn := range all {
			conn.Close()
		}
	}()
	address := "https://" + l.Addr().String()
	all := findingsOf(t, "destinations:\n  a: {type: http, url: "+address+"}\n  b: {type: http, url: "+address+"}\n  c: {type: http, url: "+address+"}\n")
	for _, name := range []string{"a (http)", "b (http)", "c (http)"} {
		if f := all[name]; f.status != statusProblem || strings.Contains(f.advice, "no response in time") {
			t.Errorf("%s: %s %s %s", name, f.status, f.text, f.advice)
		}
	}
}

func TestDestinationsAtAWSAreLookedAt(t *testing.T) {
	endpoint, ok := awstest.Servers()["moto"]
	if !ok {
		t.Skip("moto is not among CHECK_SERVERS")
	}
	awstest.StartLocal(t) // for the environment
	t.Setenv("AWS_ENDPOINT_URL", endpoint)
	_, queueURL := awstest.NewQueue(t, endpoint, "")
	_, target := awstest.NewQueue(t, endpoint, "")
	cfg, err := awsclient.LoadConfig(t.Context(), "us-east-1", "the test")
	awstest.Fatal(t, err)
	topic, err := sns.NewFromConfig(cfg).CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("check-destinations")})
	awstest.Fatal(t, err)
	file := "destinations:\n  queue: {type: sqs, queue_url: '" + target + "'}\n  topic: {type: sns, topic_arn: '" + *topic.TopicArn + "'}\n  bus: {type: eventbridge}\n"
	all := findingsWith(t, queueURL, file)
	for _, name := range []string{"queue (sqs)", "topic (sns)", "bus (eventbridge)"} {
		if f := all[name]; f.status != statusOK {
			t.Errorf("%s: %s %s %s", name, f.status, f.text, f.advice)
		}
	}
	for name, f := range findingsWith(t, queueURL, strings.NewReplacer("check-destinations", "none", target, target+"-none", "{type: eventbridge}", "{type: eventbridge, bus: none}").Replace(file)) {
		if strings.Contains(name, "(") && f.status != statusProblem {
			t.Errorf("missing: %s: %s %s %s", name, f.status, f.text, f.advice)
		}
	}
}
