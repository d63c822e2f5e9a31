package outgoing

import (
	"bytes"
	"testing"

	"wildix-worker/consumer/sqslocal"
	"wildix-worker/signature"
)

func TestDefectsBreakSignatureOrBody(t *testing.T) {
	keys, err := signature.NewKeyring(signature.Key{Secret: "s3cret"})
	if err != nil {
		t.Fatal(err)
	}
	body := []byte(`{"id":"call-1"}`)
	for defect, want := range map[Defect]struct{ valid, unchanged bool }{
		"": {true, true}, Tampered: {false, false}, Unsigned: {false, true}, Malformed: {true, false},
	} {
		m := Sign("s3cret", "call:end", "call-1", body, defect)
		_, err := keys.Verify(m.Body, m.Signature)
		if (err == nil) != want.valid || (string(m.Body) == string(body)) != want.unchanged {
			t.Errorf("%q: body %q, %v", defect, m.Body, err)
		}
	}
	if string(body) != `{"id":"call-1"}` {
		t.Errorf("the body was changed: %s", body)
	}
}

func TestMessagesAreSentInBatchesOfAnySize(t *testing.T) {
	srv := sqslocal.New(sqslocal.Options{})
	if err := srv.Start(""); err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	for name, attributes := range map[string]map[string]string{"calls": nil, "calls.fifo": {"FifoQueue": "true"}} {
		queueURL, err := srv.CreateQueue(name, attributes)
		if err != nil {
			t.Fatal(err)
		}
		var messages []Message
		for range 23 { // too many for two calls, and too large for three
			messages = append(messages, Sign("s3cret", "call:end", "call-1", bytes.Repeat([]byte("a"), 200_000), ""))
		}
		ids, err := Send(t.Context(), srv.Client(), queueURL, messages)
		if err != nil || len(ids) != len(messages) || srv.Depth(name).Visible != len(messages) {
			t.Errorf("%s: %d ids, %d messages, %v", name, len(ids), srv.Depth(name).Visible, err)
		}
	}
}

func TestIDsOfSentMessagesAreReturnedWithAnError(t *testing.T) {
	srv := sqslocal.New(sqslocal.Options{})
	if err := srv.Start(""); err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	queueURL, err := srv.CreateQueue("calls", nil)
	if err != nil {
		t.Fatal(err)
	}
	srv.Inject(sqslocal.Fault{Action: "SendMessageBatch", FailEntries: 3, Count: 1})
	messages := make([]Message, 10)
	for i := range messages {
		messages[i] = Sign("s3cret", "call:end", "call-1", []byte("{}"), "")
	}
	if ids, err := Send(t.Context(), srv.Client(), queueURL, messages); err == nil || len(ids) != 7 {
		t.Errorf("%d ids, %v", len(ids), err)
	}
}
