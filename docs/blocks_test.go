package docs

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"wildix-worker/consumer/sqslocal"
	"wildix-worker/events"
	"wildix-worker/events/handlers/store"
	"wildix-worker/events/template"
	"wildix-worker/signature"
)

// Every fenced block of a page is checked by its language:
//
//	sh          runs in a sandbox with an embedded queue
//	console     too; what follows each "$ command" is compared with the command's output
//	go          is a whole file and is compiled
//	json        is one JSON value or more
//	ini         is a secrets file and is loaded
//	yaml        is a configuration file without faults
//	gotemplate  is a template of the forward handler and is parsed
//	sql         is a query with its name in a comment, which a test of the store handler runs
//	mermaid     begins with the kind of diagram
//	formula     defines names that the tests of consumer/fleet have
//
// A block that can't be checked is listed here with the reason, by its page and first line.
var notRun = map[string]string{
	"docs/webhook.md: export WILDIX_SECRET=try-out      # for now; WMS generates the secret later": "opens a tunnel to a public network",
	"docs/development.md: cmd/wildix-worker/     the program: the command line and exit codes":     "a list of folders, which TestLayoutNamesFolders checks",
	"docs/cost.md: FLEET=all go test -v -timeout 2h -run TestFleet ./consumer/fleet":               "takes half an hour",
	"CONTRIBUTING.md: consumer: extend leases while a delete waits":                                "a commit message",
}

// prepare does what a block needs beforehand.
var prepare = map[string]func(*testing.T, *sandbox){
	"docs/dead-letters.md: $ wildix-worker dlq list":                                                          fillDeadLetterQueue,
	"docs/dead-letters.md: wildix-worker dlq list                   # count the messages, and check a sample": fillDeadLetterQueue,
	"docs/dead-letters.md: wildix-worker dlq export --output dead.jsonl":                                      fillDeadLetterQueue,
	"docs/replay.md: export WILDIX_CONFIG=/etc/wildix-worker/worker.yaml":                                     storeAnEvent,
	"docs/destinations.md: wildix-worker config check --config worker.yaml":                                   firmFile,
	"docs/operating.md: $ wildix-worker check":                                                                denyDeletes,
}

func TestBlocks(t *testing.T) {
	unused := make(map[string]bool)
	for name := range notRun {
		unused[name] = true
	}
	for name := range prepare {
		unused[name] = true
	}
	for _, p := range pages(t) {
		for _, b := range p.blocks() {
			delete(unused, b.name())
		}
		t.Run(p.path, func(t *testing.T) {
			t.Parallel()
			for _, b := range p.blocks() {
				if reason, ok := notRun[b.name()]; ok {
					t.Logf("%s:%d not run: %s", b.page, b.line, reason)
					continue
				}
				if err := b.check(t); err != nil {
					t.Errorf("%s:%d: %v", b.page, b.line, err)
				}
			}
		})
	}
	for name := range unused {
		t.Errorf("no page has the block %q", name)
	}
}

func (b block) check(t *testing.T) error {
	switch b.language {
	case "sh":
		s := b.sandbox(t)
		if out, err := s.run(b.text); err != nil {
			return fmt.Errorf("%w\n%s\n%s", err, b.text, out)
		}
		return nil
	case "console":
		return b.compare(t)
	case "go":
		return b.compile(t)
	case "json":
		return b.decode()
	case "ini":
		file := filepath.Join(t.TempDir(), "secrets")
		check(t, os.WriteFile(file, []byte(b.text), 0o600))
		_, err := signature.LoadKeyring(file, nil)
		return err
	case "yaml":
		return b.configure(t)
	case "gotemplate":
		_, err := template.Parse(b.text)
		return err
	case "sql":
		if !strings.HasPrefix(b.text, "-- ") {
			return errors.New("the query has no name in a comment")
		}
		return nil
	case "formula":
		return b.calculate()
	case "mermaid":
		if !regexp.MustCompile(`^(flowchart (LR|TB|TD)|sequenceDiagram)\n`).MatchString(b.text) {
			return errors.New("no kind of diagram")
		}
		return nil
	default:
		return fmt.Errorf("language %q: neither checked nor listed with a reason\n%s", b.language, b.text)
	}
}

// calculate checks that consumer/fleet, which compares the formulas with workers, has their names.
func (b block) calculate() error {
	files, err := filepath.Glob("../consumer/fleet/*_test.go")
	if err != nil {
		return err
	}
	var source []byte
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		source = append(source, text...)
	}
	for line := range strings.Lines(b.text) {
		if name := regexp.MustCompile(`^\w+`).FindString(line); !regexp.MustCompile(`\b` + name + `\b`).Match(source) {
			return fmt.Errorf("consumer/fleet has no %s", name)
		}
	}
	return nil
}

// values are those of variables in configuration files that are not the URL of an endpoint.
var values = map[string]string{
	"SCRIPTS": "/opt/scripts", "DATABASE_URL": "sqlite:events.db", "MAIL_URL": "smtps://calls@mail.example.com",
	"BILLING_QUEUE_URL": docsURL + "billing", "PHONES_TOPIC_ARN": "arn:aws:sns:eu-central-1:123456789012:phones", "CALLS_BUS": "calls",
}

var namedVariable = regexp.MustCompile(`\$\{([A-Z_]+)\}`)

// configure checks a configuration file. The variables that it names are set.
func (b block) configure(t *testing.T) error {
	t.Helper()
	file := filepath.Join(t.TempDir(), "worker.yaml")
	check(t, os.WriteFile(file, []byte(b.text), 0o600))
	var script strings.Builder
	for _, found := range namedVariable.FindAllStringSubmatch(b.text, -1) {
		value := cmp.Or(values[found[1]], "https://hooks.example.com/calls")
		fmt.Fprintf(&script, "export %s='%s'\n", found[1], value)
	}
	fmt.Fprintf(&script, "wildix-worker config check --config %s\n", file)
	if out, err := newSandbox(t).run(script.String()); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

func (b block) sandbox(t *testing.T) *sandbox {
	t.Helper()
	s := newSandbox(t)
	if f := prepare[b.name()]; f != nil {
		f(t, s)
	}
	return s
}

// compare runs each line that begins with "$ " and compares the lines below it with the
// command's output. Numbers and ids may differ.
func (b block) compare(t *testing.T) error {
	s := b.sandbox(t)
	for part := range strings.SplitSeq("\n"+b.text, "\n$ ") {
		command, want, _ := strings.Cut(part, "\n")
		if command == "" {
			continue
		}
		got, err := s.run(command)
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) { // an exit code is part of what is shown
			return err
		}
		if err := sameLines(normalize(got), normalize(want)); err != nil {
			return fmt.Errorf("%s: %w; it writes\n%s", command, err, got)
		}
	}
	return nil
}

// sameLines returns an error that names the first line in which two texts differ.
func sameLines(got, want string) error {
	gotLines, wantLines := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(gotLines), len(wantLines)) {
		var g, w string
		if i < len(gotLines) {
			g = gotLines[i]
		}
		if i < len(wantLines) {
			w = wantLines[i]
		}
		if g != w {
			return fmt.Errorf("line %d is %q, the page has %q", i+1, g, w)
		}
	}
	return nil
}

// compile builds the block as a program inside the module, without writing into it.
func (b block) compile(t *testing.T) error {
	dir := t.TempDir()
	root, err := filepath.Abs("..")
	check(t, err)
	file, overlay := filepath.Join(dir, "main.go"), filepath.Join(dir, "overlay.json")
	library := strings.Replace(b.text, "package main", "package sample", 1) // so that nothing is linked
	check(t, os.WriteFile(file, []byte(library), 0o600))
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {filepath.Join(root, "docs", "sample", "main.go"): file}})
	check(t, err)
	check(t, os.WriteFile(overlay, replace, 0o600))
	cmd := exec.Command("go", "build", "-overlay", overlay, "./docs/sample")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	if formatted, err := exec.Command("gofmt", "-l", file).CombinedOutput(); err != nil || len(formatted) > 0 {
		return fmt.Errorf("gofmt would change it: %s", formatted)
	}
	return nil
}

func (b block) decode() error {
	decoder := json.NewDecoder(strings.NewReader(b.text))
	for {
		var value any
		switch err := decoder.Decode(&value); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

// fillDeadLetterQueue makes the queue move three messages to the dead-letter queue: one valid,
// one rejected and one malformed.
func fillDeadLetterQueue(t *testing.T, s *sandbox) {
	t.Helper()
	for _, args := range []string{"", "--bad tampered", "--bad malformed"} {
		if out, err := s.run("wildix-worker send --type call:end " + args); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	queueURL := s.server.URL() + "/000000000000/wildix-events"
	client := s.server.Client()
	for range 11 { // one more than maxReceiveCount
		out, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &queueURL, MaxNumberOfMessages: 10})
		check(t, err)
		for _, m := range out.Messages {
			_, err := client.ChangeMessageVisibility(t.Context(), &sqs.ChangeMessageVisibilityInput{
				QueueUrl: &queueURL, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: 0,
			})
			check(t, err)
		}
	}
}

// denyDeletes makes the queue refuse deletes because of a missing permission.
func denyDeletes(_ *testing.T, s *sandbox) {
	s.server.Inject(sqslocal.Fault{Action: "DeleteMessageBatch", Status: 403, Code: "AccessDenied", Message: "Access to the resource is denied."})
}

// storeAnEvent makes a database with an event, and a file with it and a destination.
func storeAnEvent(t *testing.T, s *sandbox) {
	t.Helper()
	url := "sqlite:" + filepath.Join(s.dir, "events.db")
	h, err := store.New(store.Config{URL: url})
	check(t, err)
	check(t, h.Connect(t.Context()))
	defer h.Close()
	e, err := events.Decode(fmt.Appendf(nil, `{"id":"call-1","type":"call:start","time":%d,"data":{}}`, time.Now().Add(-time.Hour).UnixMilli()))
	check(t, err)
	check(t, h.HandleEvent(t.Context(), e))
	file := `destinations:
  missed: {type: http, url: "https://hooks.example.com/calls", on: ["call:finished"], template: slack-missed-call}
  archive: {type: database, url: "` + url + `"}
`
	check(t, os.WriteFile(filepath.Join(s.dir, "worker.yaml"), []byte(file), 0o600))
}

// firmFile writes the file of docs/destinations.md, and sets its variables.
func firmFile(t *testing.T, s *sandbox) {
	t.Helper()
	for _, b := range readPage(t, "destinations.md").blocks() {
		if b.language == "yaml" {
			for _, found := range namedVariable.FindAllStringSubmatch(b.text, -1) {
				s.env = append(s.env, found[1]+"="+cmp.Or(values[found[1]], "https://hooks.example.com/calls"))
			}
			check(t, os.WriteFile(filepath.Join(s.dir, "worker.yaml"), []byte(b.text), 0o600))
			return
		}
	}
}
