package observability

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"wildix-worker/consumer/sqslocal"
)

const (
	secret     = "s3cret"
	adminToken = "a token that is long"
)

// A site is a queue with a dead-letter queue, a worker that consumes it, and a webhook that
// sends to it. Worker and webhook are processes of the program.
type site struct {
	program         string
	settings        []string
	worker, webhook string // their admin addresses
	listen          string // the address at which the webhook accepts events
}

// newSite returns a site that runs until the test ends.
func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{program: filepath.Join(t.TempDir(), "wildix-worker")}
	if out, err := exec.Command("go", "build", "-o", s.program, "wildix-worker/cmd/wildix-worker").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	queueURL := startQueue(t)
	s.worker, s.webhook, s.listen = freeAddr(t), freeAddr(t), freeAddr(t)
	s.settings = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(),
		"AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_EC2_METADATA_DISABLED=true",
		"WILDIX_SECRET=" + secret, "WILDIX_QUEUE_URL=" + queueURL,
	}
	s.start(t, []string{"run", "--handlers", "log,forward", "--visibility-timeout", "2s"},
		"WILDIX_FORWARD_URL="+startEndpoint(t), "WILDIX_ADMIN_ADDR="+s.worker)
	// Not a loopback address, so that the token is required.
	_, port, err := net.SplitHostPort(s.webhook)
	fatal(t, err)
	s.start(t, []string{"webhook", "--listen-addr", s.listen},
		"WILDIX_FORWARD_QUEUE_URL="+queueURL, "WILDIX_ADMIN_ADDR=0.0.0.0:"+port, "WILDIX_ADMIN_TOKEN="+adminToken)
	eventually(t, "worker and webhook are ready", func() error {
		if _, err := s.scrape(s.worker); err != nil {
			return err
		}
		return s.isReady(s.listen + "/webhook")
	})
	return s
}

func startQueue(t *testing.T) (url string) {
	srv := sqslocal.New(sqslocal.Options{})
	fatal(t, srv.Start(""))
	t.Cleanup(func() { srv.Close() })
	_, err := srv.CreateQueue("dead", nil)
	fatal(t, err)
	url, err = srv.CreateQueue("calls", map[string]string{
		"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":"3"}`,
	})
	fatal(t, err)
	return url
}

// startEndpoint starts an endpoint for the forward handler that fails at first.
func startEndpoint(t *testing.T) (url string) {
	var requests atomic.Int32
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		if requests.Add(1) == 1 {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	t.Cleanup(web.Close)
	return web.URL
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	fatal(t, err)
	defer l.Close()
	return l.Addr().String()
}

// start runs the program until the test ends.
func (s *site) start(t *testing.T, args []string, settings ...string) {
	t.Helper()
	cmd := exec.Command(s.program, args...)
	cmd.Env = slices.Concat(s.settings, settings)
	run(t, cmd)
}

// run runs a command until the test ends, and logs its output if the test fails.
func run(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	out, err := os.Create(filepath.Join(t.TempDir(), "log"))
	fatal(t, err)
	cmd.Stdout, cmd.Stderr = out, out
	fatal(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v", cmd, err)
		}
		if t.Failed() {
			log, _ := os.ReadFile(out.Name())
			t.Logf("%s:\n%s", cmd, log)
		}
		out.Close()
	})
}

// traffic sends a call to the queue and one to the webhook.
func (s *site) traffic(t *testing.T) {
	t.Helper()
	s.send(t)
	s.send(t, "--webhook", "http://"+s.listen+"/webhook")
}

// trouble sends messages so that each outcome occurs.
func (s *site) trouble(t *testing.T) {
	t.Helper()
	for _, how := range []string{"unsigned", "malformed"} {
		s.send(t, "--bad", how)
		s.send(t, "--bad", how, "--webhook", "http://"+s.listen+"/webhook")
	}
	repeated := filepath.Join(t.TempDir(), "event.json")
	fatal(t, os.WriteFile(repeated, []byte(`{"id":"call-1","type":"call:end","time":1700000000000,"data":{}}`), 0o600))
	s.send(t, "--file", repeated, "--count", "2")
}

func (s *site) send(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.Command(s.program, append([]string{"send"}, args...)...)
	cmd.Env = s.settings
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
}

// scrape returns the metrics of an admin address.
func (s *site) scrape(addr string) (string, error) {
	req, err := http.NewRequest(http.MethodGet, "http://"+addr+"/metrics", nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("Authorization", "Bearer "+adminToken)
	return get(req)
}

func (s *site) isReady(url string) error {
	req, err := http.NewRequest(http.MethodGet, "http://"+url, nil)
	if err != nil {
		return err
	}
	_, err = get(req)
	return err
}

// get returns the body of the answer, or an error unless the status is 200.
func get(req *http.Request) (string, error) {
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s: %s: %s", req.URL, resp.Status, strings.TrimSpace(string(body)))
	}
	return string(body), nil
}

// eventually waits until try succeeds, for at most a minute.
func eventually(t *testing.T, condition string, try func() error) {
	t.Helper()
	err := errors.New("not tried")
	for deadline := time.Now().Add(time.Minute); err != nil; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited for a minute until %s: %v", condition, err)
		}
		err = try()
	}
}
