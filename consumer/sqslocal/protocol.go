package sqslocal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// maxRequestSize leaves room for the largest batch with every byte of it escaped.
const maxRequestSize = 8 << 20

// request is what an action may know besides its input.
type request struct {
	ctx   context.Context
	host  string // as the client called the server; queue URLs are built from it
	fault drawnFault
}

// action carries out one API action: it decodes its input from the request's body and returns the output to encode.
type action func(s *Server, r *request, body []byte) (output any, err error)

var actions = map[string]action{
	"CreateQueue":                  typed((*Server).createQueueAction),
	"GetQueueUrl":                  typed((*Server).getQueueURL),
	"GetQueueAttributes":           typed((*Server).getQueueAttributes),
	"SetQueueAttributes":           typed((*Server).setQueueAttributes),
	"ListQueues":                   typed((*Server).listQueues),
	"ListDeadLetterSourceQueues":   typed((*Server).listDeadLetterSourceQueues),
	"DeleteQueue":                  typed((*Server).deleteQueue),
	"PurgeQueue":                   typed((*Server).purgeQueue),
	"SendMessage":                  typed((*Server).sendMessage),
	"SendMessageBatch":             typed((*Server).sendMessageBatch),
	"ReceiveMessage":               typed((*Server).receiveMessage),
	"DeleteMessage":                typed((*Server).deleteMessage),
	"DeleteMessageBatch":           typed((*Server).deleteMessageBatch),
	"ChangeMessageVisibility":      typed((*Server).changeMessageVisibility),
	"ChangeMessageVisibilityBatch": typed((*Server).changeMessageVisibilityBatch),
	"StartMessageMoveTask":         typed((*Server).startMessageMoveTask),
	"ListMessageMoveTasks":         typed((*Server).listMessageMoveTasks),
	"CancelMessageMoveTask":        typed((*Server).cancelMessageMoveTask),
}

func typed[In, Out any](run func(*Server, *request, *In) (Out, error)) action {
	return func(s *Server, r *request, body []byte) (any, error) {
		in := new(In)
		if err := json.Unmarshal(body, in); err != nil {
			return nil, errMalformed(err)
		}
		return run(s, r, in)
	}
}

// ServeHTTP answers one API request: a POST of JSON to any path, with its action in the X-Amz-Target header.
func (s *Server) ServeHTTP(w http.ResponseWriter, hr *http.Request) {
	name := strings.TrimPrefix(hr.Header.Get("X-Amz-Target"), "AmazonSQS.")
	body := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(body)
	body.Reset()
	if _, err := body.ReadFrom(http.MaxBytesReader(w, hr.Body, maxRequestSize)); err != nil {
		writeError(w, unreadable(err))
		return
	}
	r := &request{ctx: hr.Context(), host: hr.Host, fault: s.arrived(name, body.Bytes())}
	output, err := s.perform(r, name, body.Bytes())
	if r.fault.DropAfter || hr.Context().Err() != nil {
		panic(http.ErrAbortHandler) // net/http's way of closing a connection without an answer
	}
	if err != nil {
		writeError(w, err)
		return
	}
	writeJSON(w, http.StatusOK, output)
}

// perform holds the request for its latency, lets faults that come before the action have their way, and runs the action.
func (s *Server) perform(r *request, name string, body []byte) (any, error) {
	if !s.pause(r.ctx, s.latency+r.fault.Delay) {
		return nil, errUnavailable
	}
	if err := s.failBefore(r); err != nil {
		return nil, err
	}
	run, ok := actions[name]
	if !ok {
		return nil, errUnknownAction(name)
	}
	return run(s, r, body)
}

func unreadable(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return errRequestTooLarge
	}
	return errMalformed(err)
}

func writeError(w http.ResponseWriter, err error) {
	refusal, ok := errors.AsType[*apiError](err)
	if !ok {
		refusal = &apiError{500, "InternalFailureException", "InternalFailure", err.Error()}
	}
	fault := "Receiver"
	if refusal.senderFault() {
		fault = "Sender"
	}
	w.Header().Set("X-Amzn-Query-Error", refusal.code+";"+fault)
	writeJSON(w, refusal.status, map[string]string{"__type": refusal.typeName(), "message": refusal.message})
}

// buffers holds *bytes.Buffer for requests and answers: both are read to their end before they are acted on or sent.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func writeJSON(w http.ResponseWriter, status int, output any) {
	buf := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(buf)
	buf.Reset()
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(output); err != nil {
		panic(fmt.Sprintf("sqslocal: encoding %T: %v", output, err)) // outputs are plain structs; this can't happen
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.Header().Set("Content-Length", strconv.Itoa(buf.Len()))
	w.WriteHeader(status)
	w.Write(buf.Bytes())
}
