package sqscall

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// A Receiver has the call that [Receive] makes.
type Receiver interface {
	ReceiveMessage(context.Context, *sqs.ReceiveMessageInput, ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error)
}

// Receive receives messages. If the client is the SDK's own, and nothing else looks at its
// answers, it reads them in a fraction of the SDK's time, and without a map for each message.
func Receive(ctx context.Context, client Receiver, in *sqs.ReceiveMessageInput) ([]Message, error) {
	var fast fastReceive
	options := []func(*sqs.Options){Options}
	if _, ok := client.(*sqs.Client); ok {
		options = append(options, fast.use)
	}
	out, err := client.ReceiveMessage(ctx, in, options...)
	switch {
	case err != nil:
		return nil, err
	case fast.done:
		return fast.messages, nil
	}
	messages := make([]Message, len(out.Messages))
	for i := range out.Messages {
		messages[i] = MessageOf(&out.Messages[i])
	}
	return messages, nil
}

// fastReceive is AWS's JSON protocol for one receive, whose answer it reads itself: the SDK would
// spend an eighth of a busy worker's CPU time on it. It leaves answers to the SDK that are not
// of SQS's usual form.
type fastReceive struct {
	smithyhttp.ClientProtocol
	done     bool // messages has what was received, and the SDK's output nothing
	messages []Message
}

// use has the protocol used for a call, unless others than the caller may see its output: they
// would find no messages there.
func (p *fastReceive) use(o *sqs.Options) {
	seen := len(o.APIOptions) + len(o.Interceptors.AfterDeserialization) + len(o.Interceptors.AfterAttempt) + len(o.Interceptors.AfterExecution)
	if seen == 0 && o.Protocol != nil && o.Protocol.ID().Name == "awsJson1_0" {
		p.ClientProtocol, o.Protocol = o.Protocol, p
	}
}

// DeserializeResponse reads the answer.
func (p *fastReceive) DeserializeResponse(
	ctx context.Context, schema *smithy.OperationSchema, registry *smithy.TypeRegistry, response *smithyhttp.Response, out smithy.Deserializable,
) error {
	if response.StatusCode != http.StatusOK {
		return p.ClientProtocol.DeserializeResponse(ctx, schema, registry, response, out)
	}
	s := scratches.Get().(*scratch)
	defer s.put()
	if _, err := s.answer.ReadFrom(response.Body); err != nil {
		return &smithy.DeserializationError{Err: err}
	}
	if p.messages, p.done = s.read(); p.done {
		return nil
	}
	again := *response.Response
	again.Body = io.NopCloser(bytes.NewReader(s.answer.Bytes()))
	return p.ClientProtocol.DeserializeResponse(ctx, schema, registry, &smithyhttp.Response{Response: &again}, out)
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// put keeps the memory for another answer, unless it was a large one: those are rare.
func (s *scratch) put() {
	const usual = 64 << 10 // bytes of ten messages, at most
	if s.answer.Cap()+cap(s.body)+cap(s.texts)+cap(s.other) <= 2*usual {
		s.answer.Reset()
		scratches.Put(s)
	}
}
