package consumer_test

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"wildix-worker/consumer"
	"wildix-worker/consumer/sqslocal"
	"wildix-worker/events"
	"wildix-worker/signature"
)

// secretsFile returns the keys of a file, and a function that writes it.
func secretsFile(t *testing.T, content string) (ring *signature.Keyring, write func(content string)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secrets")
	write = func(content string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(content)
	ring, err := signature.LoadKeyring(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return ring, write
}

func TestMessagesWaitForUnreadableKeys(t *testing.T) {
	within(t, queueName, func(s *site) {
		ring, write := secretsFile(t, "an older secret")
		write("# being edited")
		s.start(succeed, func(cfg *consumer.Config) { cfg.Keys = ring })
		s.send(ids(200)...)
		time.Sleep(30 * time.Minute)
		s.wantBegun(0)
		s.wantCalls("ReceiveMessage", 160)
		write("an older secret\n" + secret)
		time.Sleep(35 * time.Second)
		s.wantBegun(200)
		time.Sleep(time.Second)
		s.wantDepth(sqslocal.Depth{})
		if dead := s.srv.Depth(deadLetter); dead != (sqslocal.Depth{}) {
			t.Errorf("dead letters: %+v", dead)
		}
	})
}

// most is a handler that takes ten seconds, and records how many ran at once.
type most struct {
	mu            sync.Mutex
	running, most int
}

func (h *most) handle(context.Context, *events.Event) error {
	h.mu.Lock()
	h.running++
	h.most = max(h.most, h.running)
	h.mu.Unlock()
	time.Sleep(10 * time.Second)
	h.mu.Lock()
	h.running--
	h.mu.Unlock()
	return nil
}

func TestKeysThatAreReadableAgainStartNoMoreHandlersThanAllowed(t *testing.T) {
	within(t, queueName, func(s *site) {
		ring, write := secretsFile(t, "an older secret")
		write("# being edited")
		var h most
		s.start(h.handle, func(cfg *consumer.Config) { cfg.Keys, cfg.Concurrency = ring, 8 })
		s.send(ids(200)...)
		time.Sleep(5 * time.Minute)
		s.wantHeld(200)
		write("an older secret\n" + secret)
		time.Sleep(10 * time.Minute)
		s.wantOutcomes("handled 200")
		if h.most > 8 {
			t.Errorf("%d handlers ran at once, want at most 8", h.most)
		}
	})
}

func TestStopReturnsMessagesThatWaitForAWorkerAtOnce(t *testing.T) {
	within(t, queueName, func(s *site) {
		ring, write := secretsFile(t, "an older secret")
		write("# being edited")
		var h most
		s.start(h.handle, func(cfg *consumer.Config) { cfg.Keys, cfg.Concurrency = ring, 2 })
		s.send(ids(50)...)
		time.Sleep(5 * time.Minute)
		write("an older secret\n" + secret)
		time.Sleep(35 * time.Second)
		s.cancel()
		time.Sleep(2 * time.Second)
		if depth := s.srv.Depth(queueName); depth.InFlight != 2 {
			t.Errorf("queue holds %+v, want 2 in flight", depth)
		}
		if err := s.stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestReceivingGoesOnWhenKeysAreReadableAgain(t *testing.T) {
	within(t, queueName, func(s *site) {
		ring, write := secretsFile(t, secret)
		s.start(func(_ context.Context, e *events.Event) error {
			if e.ID == "held" {
				return events.Hold(func(func()) {}, errDown)
			}
			return nil
		}, func(cfg *consumer.Config) { cfg.Keys, cfg.MaxHeld = ring, 1 })
		s.send("held")
		time.Sleep(time.Minute)
		s.wantHeld(1)
		write("# being edited")
		time.Sleep(time.Minute)
		other := body("other")
		s.sendRaw(other, attribute("String", signature.Sign("a new secret", []byte(other))))
		time.Sleep(time.Minute)
		write(secret + "\na new secret")
		s.send("good")
		time.Sleep(time.Hour)
		s.wantBegun(3)
		s.wantDepth(sqslocal.Depth{InFlight: 1})
	})
}
