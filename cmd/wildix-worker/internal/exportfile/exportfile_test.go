package exportfile

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/internal/sqscall"
)

func TestMessagesAreReadAsTheyWereWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "export.jsonl")
	var lines strings.Builder
	bodies := []string{`{"id":"call-1","type":"call:end","time":1693389850810}`, "\xff\xfe", "call started"}
	for _, body := range bodies {
		line, err := json.Marshal(Of(&types.Message{Body: &body, MessageAttributes: map[string]types.MessageAttributeValue{
			sqscall.SignatureAttribute: sqscall.Text("abc"), "Other": sqscall.Text("value"),
		}}))
		if err != nil {
			t.Fatal(err)
		}
		lines.Write(append(line, '\n'))
	}
	if err := os.WriteFile(file, []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	messages, err := Read(file)
	if err != nil || len(messages) != len(bodies) {
		t.Fatalf("%d messages, %v", len(messages), err)
	}
	for i, m := range messages {
		if string(m.Body) != bodies[i] || m.Signature != "abc" {
			t.Errorf("%q is read as %+v", bodies[i], m)
		}
	}
	if messages[0].Type != "call:end" || messages[0].Call != "call-1" || messages[1].Call == "" {
		t.Errorf("%+v", messages)
	}
}

func TestFileThatDlqExportDidNotWriteIsRefused(t *testing.T) {
	for content, want := range map[string]string{
		"":                            "holds no message",
		"call started":                "message 1: invalid character",
		`{"id":"call-1"}`:             "message 1: no body; was the file written by dlq export?",
		`{"body":"{}"}` + "\n" + "{}": "message 2: no body",
	} {
		file := filepath.Join(t.TempDir(), "export.jsonl")
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", content, err)
		}
	}
}
