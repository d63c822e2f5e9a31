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

// fastReceive is AWS's JSON protocol, but reads the answers to receives itself: the SDK would
// spend an eighth of a busy worker's CPU time on them. It leaves answers to the SDK that are
// not of SQS's usual form, and those to other calls.
type fastReceive struct{ smithyhttp.ClientProtocol }

// withFastReceive returns a protocol with fast receives for the one that SQS has, and any
// other one as it is.
func withFastReceive(p smithyhttp.ClientProtocol) smithyhttp.ClientProtocol {
	if p == nil || p.ID().Name != "awsJson1_0" {
		return p
	}
	return fastReceive{p}
}

func (p fastReceive) DeserializeResponse(
	ctx context.Context, schema *smithy.OperationSchema, registry *smithy.TypeRegistry, response *smithyhttp.Response, out smithy.Deserializable,
) error {
	received, ok := out.(*sqs.ReceiveMessageOutput)
	if !ok || response.StatusCode != http.StatusOK {
		return p.ClientProtocol.DeserializeResponse(ctx, schema, registry, response, out)
	}
	body := bodies.Get().(*bytes.Buffer)
	defer putBody(body)
	if _, err := body.ReadFrom(response.Body); err != nil {
		return &smithy.DeserializationError{Err: err}
	}
	if messages, ok := readMessages(body.Bytes()); ok {
		received.Messages = messages
		return nil
	}
	again := *response.Response
	again.Body = io.NopCloser(body)
	return p.ClientProtocol.DeserializeResponse(ctx, schema, registry, &smithyhttp.Response{Response: &again}, out)
}

// bodies are buffers for bodies of answers.
var bodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// putBody keeps a buffer for another answer, unless it is a large one: those are rare.
func putBody(body *bytes.Buffer) {
	const usual = 64 << 10 // bytes of ten messages, at most
	if body.Cap() <= usual {
		body.Reset()
		bodies.Put(body)
	}
}
