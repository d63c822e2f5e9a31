package consumer_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"
	"weak"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"wildix-worker/consumer"
	"wildix-worker/events"
)

// watching is a client and a handler that record what memory keeps of a message: its text
// in the SDK's answer, and its body.
type watching struct {
	consumer.SQS
	mu     sync.Mutex
	texts  []weak.Pointer[byte]
	bodies map[string]weak.Pointer[byte]
}

func (w *watching) ReceiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput, options ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	out, err := w.SQS.ReceiveMessage(ctx, in, options...)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil {
		for _, m := range out.Messages {
			w.texts = append(w.texts, weak.Make(unsafe.StringData(*m.Body)))
		}
	}
	return out, err
}

func (w *watching) handling(handle func(context.Context, *events.Event) error) events.Handler {
	return events.HandlerFunc(func(ctx context.Context, e *events.Event) error {
		w.mu.Lock()
		w.bodies[fmt.Sprint(e.ID, e.Time.Unix())] = weak.Make(&e.Raw[0])
		w.mu.Unlock()
		return handle(ctx, e)
	})
}

// wantKept checks how many texts and bodies are still in memory.
func (w *watching) wantKept(t *testing.T, texts, bodies int) {
	t.Helper()
	if raceDetector {
		t.Log("not checked: the race detector keeps variables of idle goroutines alive")
		return
	}
	synctest.Wait()
	runtime.GC()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, text := range w.texts {
		if text.Value() != nil {
			texts--
		}
	}
	var kept []string
	for id, body := range w.bodies {
		if body.Value() != nil {
			kept = append(kept, id)
		}
	}
	if texts != 0 || len(kept) != bodies {
		t.Errorf("%d texts more than expected and the bodies of %v are kept, want %d bodies", -texts, kept, bodies)
	}
}

// startWatching runs a consumer on ten large messages, call-0 to call-9.
func (s *site) startWatching(handle func(context.Context, *events.Event) error, options ...func(*consumer.Config)) *watching {
	s.t.Helper()
	for _, id := range ids(10) {
		text := fmt.Sprintf(`{"id":%q,"type":"call:end","time":1693389853611,"padding":%q}`, id, strings.Repeat("x", 10_000))
		s.sendRaw(text, signed(text))
	}
	w := &watching{SQS: s.client, bodies: map[string]weak.Pointer[byte]{}}
	cfg := consumer.Config{QueueURL: s.url, Keys: keyring(s.t, key), Handler: w.handling(handle)}
	for _, option := range options {
		option(&cfg)
	}
	s.run(w, cfg)
	return w
}

func TestSettledMessagesAreNotKept(t *testing.T) {
	for name, err := range map[string]error{
		"deleted":  nil,
		"returned": events.RetryAfter(time.Hour, errDown),
		"left":     events.Permanent(errDown),
	} {
		t.Run(name, func(t *testing.T) {
			within(t, queueName, func(s *site) {
				w := s.startWatching(func(context.Context, *events.Event) error { return err })
				// The runtime may keep a stopped timer, and with it the context of the handler,
				// until its time has come.
				time.Sleep(consumer.DefaultHandlerTimeout + 10*time.Second)
				w.wantKept(t, 0, 0)
			})
		})
	}
}

func TestMessageInHandKeepsNoOthers(t *testing.T) {
	within(t, queueName, func(s *site) { // which delivers all in one answer
		w := s.startWatching(func(ctx context.Context, e *events.Event) error {
			if e.ID == "call-5" {
				return working(time.Minute)(ctx, e)
			}
			return nil
		})
		time.Sleep(10 * time.Second)
		w.wantKept(t, 0, 1)
	})
}

func TestFinishedMessagesOfACallAreNotKept(t *testing.T) {
	within(t, queueName, func(s *site) {
		w := &watching{SQS: s.client, bodies: map[string]weak.Pointer[byte]{}}
		n := 0
		handler := w.handling(func(ctx context.Context, _ *events.Event) error {
			n++
			if n == 9 {
				return working(time.Minute)(ctx, nil)
			}
			return nil
		})
		s.sendCall("a", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
		s.run(w, consumer.Config{QueueURL: s.url, Keys: keyring(t, key), Handler: handler, OrderByCall: true})
		time.Sleep(10 * time.Second)
		w.wantKept(t, 0, 1)
	})
}

func TestHeldMessageIsKeptOnceUntilItIsSettled(t *testing.T) {
	for name, end := range map[string]func(s *site, resume chan struct{}){
		"handled":  func(_ *site, resume chan struct{}) { close(resume) },
		"returned": func(s *site, _ chan struct{}) { s.stop() },
	} {
		t.Run(name, func(t *testing.T) {
			within(t, queueName, func(s *site) {
				resume := make(chan struct{})
				w := s.startWatching(func(context.Context, *events.Event) error {
					select {
					case <-resume:
						return nil
					default:
						return events.Hold(func(f func()) { go func() { <-resume; f() }() }, errDown)
					}
				})
				time.Sleep(10 * time.Second)
				w.wantKept(t, 0, 10)
				end(s, resume)
				time.Sleep(10 * time.Second)
				if name == "returned" {
					close(resume) // what the test keeps
					synctest.Wait()
				}
				w.wantKept(t, 0, 0)
			})
		})
	}
}
