// Package eventbridge puts events on an EventBridge bus, up to ten per call:
//
//	h, err := eventbridge.New(eventbridge.Config{
//		Client: awseventbridge.NewFromConfig(awsConfig), // of github.com/aws/aws-sdk-go-v2/service/eventbridge
//		Bus:    "calls",
//	})
//	...
//	defer h.Close()
//	mux.Handle("call:end", h)
//
// # The event on the bus
//
// Its detail is the PBX's event, its detail-type the event's type, its time the event's time,
// and its source [Config].Source. A rule that selects the ends of calls:
//
//	{"source": ["wildix-worker"], "detail-type": ["call:end"]}
//
// The detail of an event that is sent again on purpose ([events.Event].Replay) begins with
// another field: "replay": true.
//
// EventBridge parses the detail and writes it anew, so a signature of its bytes would be
// worthless, and none is sent: whoever may put events on the bus with this source is trusted.
// EventBridge does not drop repeats. A target that must recognize them can use what is
// unique in the detail: the id, the type, the time and the data together.
//
// # Batches
//
// If no call of EventBridge is running, an event is sent at once. Otherwise it waits for
// others, for at most 20 ms. A call has at most ten events, of less than 1 MB together, which
// are the limits of PutEvents:
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html. Each event
// has its own result: if EventBridge accepts only some events of a call, the others fail. An
// event that the answer has no event id for has failed.
//
// # Errors
//
// An event is [events.Permanent] if it is too large, its type is longer than 128 characters,
// it is not UTF-8, or EventBridge finds its JSON malformed. Throttling is
// [events.Unavailable] for one to two seconds. All other failures may be retried, those of
// the bus, of its policy and of the credentials among them: the events wait until they are
// corrected. Errors contain the code of AWS and not its message, which may quote the event.
// The handler does not retry; package route does.
//
// # Permissions
//
// The IAM actions are events:PutEvents, which a condition can limit to the source
// (events:source), and for [Handler.Check] events:DescribeEventBus. If the bus is encrypted
// with a KMS key of yours, it is EventBridge that needs to use the key.
package eventbridge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	awseventbridge "github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"wildix-worker/events"
	"wildix-worker/events/handlers/internal/awsbatch"
)

const (
	// maxSize is the size of the entries of a call, and so of an entry. It must be less
	// than 1 MB.
	maxSize = 1<<20 - 1
	// maxDetailType is the length of a detail-type, in characters.
	maxDetailType = 128
	// timeSize is what EventBridge counts for an entry's time.
	timeSize = 14
)

// A Handler puts events on one bus.
type Handler struct {
	client  Client
	bus     string
	source  string
	target  string // in errors
	timeout time.Duration
	sender  *awsbatch.Sender[types.PutEventsRequestEntry]
}

// New returns a handler, or an error that joins an *[events.FieldError] for each invalid
// field. Nothing is sent before the first event.
func New(cfg Config) (*Handler, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	h := &Handler{
		client: cfg.Client, bus: cfg.Bus, source: cfg.Source, timeout: cfg.Timeout,
		target: "EventBridge bus " + busName(cfg.Bus),
	}
	h.sender = awsbatch.New(awsbatch.Config[types.PutEventsRequestEntry]{
		Target: h.target, Action: "events:PutEvents", MaxSize: maxSize, Size: size, Timeout: cfg.Timeout, Call: h.call,
	})
	return h, nil
}

// Close waits until no call of EventBridge is running. HandleEvent must not be called
// afterwards.
func (h *Handler) Close() { h.sender.Close() }

var (
	errNotUTF8     = errors.New("the event is not valid UTF-8")
	errTypeTooLong = fmt.Errorf("the event's type is longer than the %d characters of a detail-type", maxDetailType)
)

// HandleEvent returns nil when EventBridge has accepted the event. If ctx ends first,
// EventBridge may have the event all the same.
func (h *Handler) HandleEvent(ctx context.Context, e *events.Event) error {
	switch {
	case !utf8.Valid(e.Raw):
		return h.sender.Refuse(errNotUTF8)
	case utf8.RuneCountInString(e.Type) > maxDetailType:
		return h.sender.Refuse(errTypeTooLong)
	}
	entry := types.PutEventsRequestEntry{EventBusName: &h.bus, Source: &h.source, DetailType: &e.Type, Detail: aws.String(detail(e))}
	if !e.Time.IsZero() {
		entry.Time = &e.Time
	}
	return h.sender.Send(ctx, entry)
}

// detail returns the event, with the field replay if it is one.
func detail(e *events.Event) string {
	raw := string(e.Raw)
	before, after, isObject := strings.Cut(raw, "{")
	if !e.Replay || !isObject {
		return raw
	}
	return before + `{"replay":true,` + after // every event has a field, the type
}

// Check returns an error if the bus can't be reached. It asks for the bus's description, and
// puts nothing on it. It does not find out whether the credentials may. If EventBridge has
// answered, the error has its message, and wraps a [github.com/aws/smithy-go.APIError].
func (h *Handler) Check(ctx context.Context) error {
	ctx, cancel := awsbatch.CheckContext(ctx, h.timeout)
	defer cancel()
	_, err := h.client.DescribeEventBus(ctx, &awseventbridge.DescribeEventBusInput{Name: &h.bus}, noRetries)
	if err != nil {
		return fmt.Errorf("%s: %w", h.target, awsbatch.CheckError("events:DescribeEventBus", err))
	}
	return nil
}

// size returns the size of an entry as EventBridge counts it:
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html.
func size(entry types.PutEventsRequestEntry) int {
	return timeSize + len(*entry.Source) + len(*entry.DetailType) + len(*entry.Detail)
}

// call puts one batch on the bus.
func (h *Handler) call(ctx context.Context, entries []types.PutEventsRequestEntry) (map[int]awsbatch.Failure, error) {
	out, err := h.client.PutEvents(ctx, &awseventbridge.PutEventsInput{Entries: entries}, noRetries)
	if err != nil {
		return nil, err
	}
	failures := make(map[int]awsbatch.Failure)
	for i := range entries { // the results have the order of the entries
		if i >= len(out.Entries) {
			failures[i] = awsbatch.Failure{Code: "NotInAnswer"}
		} else if result := out.Entries[i]; result.ErrorCode != nil || aws.ToString(result.EventId) == "" {
			failures[i] = awsbatch.Failure{Code: cmp.Or(aws.ToString(result.ErrorCode), "NoCode")}
		}
	}
	return failures, nil
}

// noRetries switches the SDK's retries off. Only the caller knows how long a lease lasts.
func noRetries(o *awseventbridge.Options) { o.Retryer = aws.NopRetryer{} }
