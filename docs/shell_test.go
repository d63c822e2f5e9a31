package docs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"wildix-worker/consumer/sqslocal"
	"wildix-worker/signature"
)

// prelude defines stand-ins for a block's commands: make only prints what it would do, and a
// command that runs until it is stopped runs in the background until the block has ended.
const prelude = `
set -eu -o pipefail
make() { command make -n -C "$ROOT" "$@" >/dev/null; }
started=
count=0
addresses=($ADMIN_ADDRS)
background() {
	local address=${addresses[$count]} out=./output.$count
	WILDIX_ADMIN_ADDR=$address command wildix-worker "$@" >"$out" 2>&1 &
	started="$started $!" count=$((count + 1))
	for i in $(seq 300); do
		case "$1" in
		demo) [ -s "$out" ] && return 0 ;;
		*) WILDIX_ADMIN_ADDR=$address command wildix-worker healthcheck 2>/dev/null && return 0 ;;
		esac
		kill -0 "$!" 2>/dev/null || break
		sleep 0.1
	done
	echo "wildix-worker $* did not start" >&2
	cat "$out" >&2
	exit 1
}
wildix-worker() {
	case "$*" in
	*--help) command wildix-worker "$@" ;;
	run*|webhook*|*--forever*) background "$@" ;;
	*) command wildix-worker "$@" ;;
	esac
}
stop() {
	local code=$? pid
	for pid in $started; do
		kill "$pid"
		wait "$pid" || { echo "exit code $? when stopped" >&2; cat ./output.* >&2; code=1; }
	done
	exit "$code"
}
trap stop EXIT
`

// docsURL is how pages write the URL of a queue.
const docsURL = "https://sqs.eu-central-1.amazonaws.com/123456789012/"

// A sandbox is where the shell blocks of a page run: a folder with the files that they name,
// and an embedded SQS with the queues wildix-events and wildix-events-dead-letter.
type sandbox struct {
	dir    string
	server *sqslocal.Server
	env    []string
	write  *strings.Replacer // from the addresses of the page to free ones
	read   *strings.Replacer // and back
}

func newSandbox(t *testing.T) *sandbox {
	t.Helper()
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("no bash on this machine")
	}
	s := &sandbox{dir: t.TempDir(), server: sqslocal.New(sqslocal.Options{})}
	check(t, s.server.Start(""))
	t.Cleanup(func() { s.server.Close() })
	s.createQueue(t, "wildix-events-dead-letter", map[string]string{"MessageRetentionPeriod": "1209600"})
	s.createQueue(t, "wildix-events", map[string]string{
		"MessageRetentionPeriod": "1209600", "VisibilityTimeout": "60",
		"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:wildix-events-dead-letter","maxReceiveCount":"10"}`,
	})

	root, err := filepath.Abs("..")
	check(t, err)
	bin := filepath.Join(s.dir, ".bin")
	check(t, os.Mkdir(bin, 0o700))
	self, err := os.Executable()
	check(t, err)
	check(t, os.Symlink(self, filepath.Join(bin, "aws")))
	check(t, os.Symlink(program, filepath.Join(bin, "wildix-worker")))
	webhook, https, admin := freeAddr(t), freeAddr(t), freeAddr(t)
	s.env = []string{
		"PATH=" + bin + ":" + os.Getenv("PATH"), "HOME=" + s.dir, "ROOT=" + root, "TZ=UTC",
		"AWS_ENDPOINT_URL=" + s.server.URL(), "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
		"AWS_EC2_METADATA_DISABLED=true",
		"ADMIN_ADDRS=" + admin + " " + freeAddr(t),
		"WILDIX_QUEUE_URL=" + docsURL + "wildix-events", "WILDIX_SECRET=try-out", "WILDIX_LISTEN_ADDR=" + webhook, "WILDIX_ADMIN_ADDR=" + admin,
	}
	s.write = strings.NewReplacer(
		"127.0.0.1:8080", webhook, " :443 ", " "+https+" ", "127.0.0.1:9464", admin, "http://localhost:4566", s.server.URL(),
		"eu-central-1:123456789012:", "us-east-1:000000000000:",
		"/etc/wildix-worker/", s.dir+"/", "/var/lib/wildix-worker/", s.dir+"/", "/opt/", s.dir+"/",
	)
	s.read = strings.NewReplacer(
		s.server.URL()+"/000000000000/", docsURL, s.dir+"/", "",
	)
	s.writeFiles(t)
	return s
}

// writeFiles makes the files that pages name.
func (s *sandbox) writeFiles(t *testing.T) {
	t.Helper()
	const event = `{"id":"call-1","type":"call:end","time":1700000000000,"integrationId":"8qkmnq","data":{}}`
	cert, key := certificate(t)
	for name, text := range map[string]string{
		"event.json": event, "body.json": event, "crm.py": "import json, sys\njson.load(sys.stdin)\n",
		"secrets": "try-out\n", "body.sig": signature.Sign("try-out", []byte(event)), "fullchain.pem": cert, "privkey.pem": key,
	} {
		check(t, os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600))
	}
}

func (s *sandbox) createQueue(t *testing.T, name string, attributes map[string]string) {
	t.Helper()
	_, err := s.server.CreateQueue(name, attributes)
	check(t, err)
}

// run runs commands and returns what they write, standard error after standard output.
func (s *sandbox) run(script string) (string, error) {
	cmd := exec.Command("bash", "-c", prelude+s.write.Replace(script))
	cmd.Dir, cmd.Env = s.dir, s.env
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.WaitDelay = time.Minute
	err := cmd.Run()
	return s.read.Replace(stdout.String() + stderr.String()), err
}

var (
	uuid   = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
	digits = regexp.MustCompile(`[0-9]+`)
	spaces = regexp.MustCompile(`[ ]+`)
)

// normalize replaces what differs from run to run: ids, numbers and the width of columns.
func normalize(text string) string {
	text = uuid.ReplaceAllString(text, "ID")
	text = strings.ReplaceAll(text, "us-east-1", "eu-central-1")
	text = strings.ReplaceAll(digits.ReplaceAllString(text, "0"), "0 seconds", "0 second") // a busy machine takes two
	return strings.TrimSpace(spaces.ReplaceAllString(text, " "))
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	defer l.Close()
	return l.Addr().String()
}

// certificate returns one for localhost and its key, PEM.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	check(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	check(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))
}
