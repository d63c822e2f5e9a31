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
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"wildix-worker/consumer/sqslocal"
)

const (
	secret     = "s3cret"
	adminToken = "a long token"
)

// A site is a queue with a dead-letter queue, a worker on it, and a webhook in front, each
// a program as it is shipped.
type site struct {
	program         string
	settings        []string
	worker, webhook string // their admin addresses
	takes           string // where the webhook takes events
}

// newSite returns a site that runs until the test ends.
func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{program: filepath.Join(t.TempDir(), "wildix-worker")}
	if out, err := exec.Command("go", "build", "-o", s.program, "wildix-worker/cmd/wildix-worker").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	queueURL := startQueue(t)
	s.worker, s.webhook, s.takes = freeAddr(t), freeAddr(t), freeAddr(t)
	s.settings = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(),
		"AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_EC2_METADATA_DISABLED=true",
		"WILDIX_SECRET=" + secret, "WILDIX_QUEUE_URL=" + queueURL,
	}
	s.start(t, []string{"run", "--handlers", "log,forward", "--visibility-timeout", "2s"},
		"WILDIX_FORWARD_URL="+startEndpoint(t), "WILDIX_ADMIN_ADDR="+s.worker)
	// An address that others can reach, so that the token is asked for.
	_, port, err := net.SplitHostPort(s.webhook)
	fatal(t, err)
	s.start(t, []string{"webhook", "--listen-addr", s.takes},
		"WILDIX_FORWARD_QUEUE_URL="+queueURL, "WILDIX_ADMIN_ADDR=0.0.0.0:"+port, "WILDIX_ADMIN_TOKEN="+adminToken)
	eventually(t, "both take events", func() error {
		if _, err := s.scrape(s.worker); err != nil {
			return err
		}
		return s.isReady(s.takes + "/webhook")
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

// startEndpoint starts one for the forward handler that is not well at first.
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
	cmd.Env = append(s.settings[:len(s.settings):len(s.settings)], settings...)
	run(t, cmd)
}

// run runs a command until the test ends, and shows what it wrote if that fails.
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

// traffic sends a call by each way.
func (s *site) traffic(t *testing.T) {
	t.Helper()
	s.send(t)
	s.send(t, "--webhook", "http://"+s.takes+"/webhook")
}

// trouble sends what does not end well: each outcome is to be seen.
func (s *site) trouble(t *testing.T) {
	t.Helper()
	for _, how := range []string{"unsigned", "malformed"} {
		s.send(t, "--bad", how)
		s.send(t, "--bad", how, "--webhook", "http://"+s.takes+"/webhook")
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

// scrape returns what is exported at an admin address.
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

// get returns what a request is answered with, 200 or an error.
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

// eventually waits for something that other processes do. The limit is far more than it
// takes.
func eventually(t *testing.T, what string, try func() error) {
	t.Helper()
	err := errors.New("not tried")
	for deadline := time.Now().Add(time.Minute); err != nil; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited for a minute until %s: %v", what, err)
		}
		err = try()
	}
}
