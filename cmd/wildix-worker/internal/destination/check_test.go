package destination

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/smithy-go"
)

func TestEveryTypeThatNeedsSomethingIsChecked(t *testing.T) {
	t.Setenv("PASSWORD", "very-secret")
	for text, target := range map[string]string{
		"{type: http, url: 'https://example.com/very-secret'}":                                                              "example.com",
		"{type: command, command: [sh, run, '${PASSWORD}']}":                                                                "sh run ${PASSWORD}",
		"{type: database, url: 'postgres://ada:very-secret@db.example.com/calls'}":                                          "postgres://db.example.com:5432/calls",
		"{type: database, url: 'sqlite:/srv/x.db'}":                                                                         "sqlite:/srv/x.db",
		"{type: email, url: 'smtp://ada@example.com:587', password: very-secret, from: a@example.com, to: [b@example.com]}": "example.com:587",
		"{type: sqs, queue_url: 'https://sqs.eu-central-1.amazonaws.com/123456789012/crm'}":                                 "https://sqs.eu-central-1.amazonaws.com/123456789012/crm",
		"{type: sns, topic_arn: 'arn:aws:sns:eu-central-1:123456789012:calls'}":                                             "arn:aws:sns:eu-central-1:123456789012:calls",
		"{type: eventbridge, region: eu-central-1}":                                                                         "default",
	} {
		d, faults := read(t, text)
		if faults != nil || d.Check == nil || d.Target != target {
			t.Errorf("%s: target %q, %q", text, d.Target, faults)
		}
	}
	if d, _ := read(t, "{type: log}"); d.Check != nil || d.Target != StandardOutput {
		t.Errorf("%+v", d)
	}
}

func TestMissingScriptIsNoticed(t *testing.T) {
	folder := t.TempDir()
	t.Chdir(folder)
	if err := os.WriteFile("there.py", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"python3"}, {"python3", "there.py"}, {"python3", filepath.Join(folder, "there.py"), "/var/log/calls"}, {"python3", "-m", "crm"},
		{"tee", "-a", "/var/log/calls.txt"}, {"curl", "https://example.com/x.js"}, {"sh", "-c", "cat > gone.sh"},
	} {
		if err := CheckScripts(args)(t.Context()); err != nil {
			t.Errorf("%q: %v", args, err)
		}
	}
	for arg, want := range map[string]string{
		"gone.py":       "there is no file gone.py in " + folder + "; write its full path",
		"/opt/gone.PY":  "there is no file /opt/gone.PY; correct the path",
		"./lib/gone.js": "there is no file ./lib/gone.js in " + folder,
	} {
		err := CheckScripts([]string{"python3", "-u", arg})(t.Context())
		if _, unsure := errors.AsType[*UnsureError](err); !unsure || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v", arg, err)
		}
	}
}

// The worker needs only the right to send.
func TestMissingRightToLookIsNoFailure(t *testing.T) {
	for _, code := range []string{"AccessDenied", "AccessDeniedException", "AuthorizationError"} {
		err := checkAWS(&smithy.GenericAPIError{Code: code, Message: "no"})
		if _, unsure := errors.AsType[*UnsureError](err); !unsure || !strings.Contains(err.Error(), "it may not be looked at") {
			t.Errorf("%s: %v", code, err)
		}
	}
	for _, failure := range []error{&smithy.GenericAPIError{Code: "NotFound"}, errors.New("no response")} {
		err := checkAWS(failure)
		if _, unsure := errors.AsType[*UnsureError](err); unsure || !errors.Is(err, failure) {
			t.Errorf("%v", err)
		}
	}
	if err := checkAWS(nil); err != nil {
		t.Error(err)
	}
}
