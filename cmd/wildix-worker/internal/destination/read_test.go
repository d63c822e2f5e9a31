package destination

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"wildix-worker/cmd/wildix-worker/internal/configfile"
	"wildix-worker/events"
	loghandler "wildix-worker/events/handlers/log"
)

func read(t *testing.T, text string) (Destination, []string) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "f.yaml")
	if err := os.WriteFile(name, []byte("d: "+text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	file := configfile.Read(name)
	d := Read(file.Root.Entries[0], Log{New: func(mask bool) events.Handler { return loghandler.New(io.Discard, mask) }}, zap.NewNop(), &file.Faults)
	if d.Close != nil {
		t.Cleanup(func() { d.Close() })
	}
	var lines []string
	for _, line := range file.Faults.Lines() {
		lines = append(lines, strings.TrimPrefix(line, name+":"))
	}
	return d, lines
}

func TestEveryTypeIsBuilt(t *testing.T) {
	keys := map[string]string{
		"http": "url: 'https://example.com'", "command": "command: [sh]", "database": "url: 'sqlite:x.db'", "log": "mask: true",
		"email": "url: 'smtps://mail.example.com', from: a@example.com, to: b@example.com",
		"sqs":   "queue_url: 'https://sqs.eu-central-1.amazonaws.com/123456789012/crm'",
		"sns":   "topic_arn: 'arn:aws:sns:eu-central-1:123456789012:calls'", "eventbridge": "bus: calls",
	}
	for _, kind := range Types() {
		text := "{type: " + kind.Name + ", " + keys[kind.Name] + ", timeout: 3s, concurrency: 2, on: 'call:*'}"
		d, faults := read(t, text)
		if faults != nil || d.Handler == nil {
			t.Errorf("%s: %q", text, faults)
		}
		if d.Name != "d" || d.Timeout != 3*time.Second || d.Concurrency != 2 || len(d.On) != 1 {
			t.Errorf("%s: %+v", text, d)
		}
	}
	if len(Types()) != len(builders) || len(Types()) != len(TypeKey().Values) {
		t.Errorf("%d types, %d builders, %d values of type", len(Types()), len(builders), len(TypeKey().Values))
	}
}

func TestTimeoutIsAtMostThatOfAMessage(t *testing.T) {
	if _, faults := read(t, "{type: log, timeout: 12h1m}"); len(faults) != 1 || faults[0] != "1:25: d.timeout: 12h1m is longer than 12h" {
		t.Errorf("%q", faults)
	}
}

func TestDoubtfulTypesAreThoseLikeAKnownOne(t *testing.T) {
	d, faults := read(t, "{type: log, on: ['call:finishd', 'call:end', 'call:*', 'fax:received', 'presence:usr']}")
	if faults != nil {
		t.Fatal(faults)
	}
	want := []Doubt{{"call:finishd", "call:finished"}, {"presence:usr", "presence:user"}}
	if got := d.Doubts(); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestFailingConditionIsPermanent(t *testing.T) {
	d, faults := read(t, "{type: log, when: 'event.data.tags[0] == \"vip\"'}")
	if faults != nil {
		t.Fatal(faults)
	}
	fits, err := d.When(&events.Event{ID: "1", Type: events.CallEnd, Data: &events.Call{Tags: []string{"vip"}}})
	if !fits || err != nil {
		t.Errorf("with the tag: %t, %v", fits, err)
	}
	if fits, err := d.When(&events.Event{ID: "1", Type: events.CallEnd, Data: &events.Call{}}); fits || !events.IsPermanent(err) {
		t.Errorf("without: %t, %v", fits, err)
	}
}

func TestSecretsAreNotInFaults(t *testing.T) {
	t.Setenv("TOKEN", "very-secret")
	for _, text := range []string{
		"{type: http, url: 'https://${TOKEN} x/', secret: ' very-secret', headers: {'A b': very-secret}}",
		"{type: database, url: 'postgres://a:${TOKEN}@h:x/d'}",
		"{type: email, url: 'smtps://a:very-secret@h', password: very-secret, from: '${TOKEN}', to: ['${TOKEN}']}",
		"{type: sqs, queue_url: '${TOKEN}'}", "{type: sns, topic_arn: '${TOKEN}'}", "{type: eventbridge, bus: '${TOKEN} x'}",
		"{type: command, command: ['${TOKEN}']}", "{type: '${TOKEN}'}", "{type: log, on: ['${TOKEN} x'], when: 'event.id == ${TOKEN}'}",
	} {
		_, faults := read(t, text)
		if len(faults) == 0 {
			t.Errorf("%s is right", text)
		}
		if strings.Contains(strings.Join(faults, "\n"), "very-secret") {
			t.Errorf("%s: %q", text, faults)
		}
	}
}
