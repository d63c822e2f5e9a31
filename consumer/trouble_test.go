package consumer_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"wildix-worker/consumer"
	"wildix-worker/consumer/sqslocal"
)

func TestComplaint06TroubleAtSQSDoesNotEndIt(t *testing.T) {
	for name, fault := range map[string]sqslocal.Fault{
		"throttled":     {Status: 400, Code: "ThrottlingException"},
		"broken":        {Status: 500},
		"reset":         {DropBefore: true},
		"no such queue": {Status: 400, Code: "QueueDoesNotExist"},
	} {
		t.Run(name, func(t *testing.T) {
			within(t, queueName, func(s *site) { s.waitOut(fault) })
		})
	}
}

func TestComplaint16ExpiredCredentialsDoNotSpin(t *testing.T) {
	within(t, queueName, func(s *site) { s.waitOut(sqslocal.Fault{Status: 403, Code: "ExpiredTokenException"}) })
}

// waitOut makes receives fail for an hour.
func (s *site) waitOut(fault sqslocal.Fault) {
	s.t.Helper()
	fault.Action = "ReceiveMessage"
	works := s.srv.Inject(fault)
	s.start(succeed)
	time.Sleep(time.Hour)
	s.wantPatience(s.srv.Calls("ReceiveMessage"))
	works()
	s.wantRecovery()
}

// wantPatience checks the number of receives in an hour of trouble.
func (s *site) wantPatience(receives int) {
	s.t.Helper()
	if receives < 600 || receives > 3600 {
		s.t.Errorf("%d receives in an hour of trouble", receives)
	}
}

// wantRecovery checks that messages are handled within seconds, and what was logged.
func (s *site) wantRecovery() {
	s.t.Helper()
	s.send("call-1")
	time.Sleep(6 * time.Second)
	s.wantOutcomes("handled 1")
	time.Sleep(time.Minute)
	s.wantLogged("SQS call failing, will go on trying", 1)
	s.wantLogged("SQS call working again", 1)
}

// A flaky client counts receives, and fails before they reach SQS.
type flaky struct {
	consumer.SQS
	receives atomic.Int64
}

func (f *flaky) ReceiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput, options ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	f.receives.Add(1)
	return f.SQS.ReceiveMessage(ctx, in, options...)
}

func TestUnreachableEndpointDoesNotEndIt(t *testing.T) {
	for name, failure := range map[string]error{
		"name not known":   &net.DNSError{Err: "no such host", Name: "sqs.eu-central-1.amazonaws.com", IsNotFound: true},
		"nothing listens":  &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED},
		"host not reached": &net.OpError{Op: "dial", Net: "tcp", Err: syscall.EHOSTUNREACH},
	} {
		t.Run(name, func(t *testing.T) {
			within(t, queueName, func(s *site) {
				var there atomic.Bool
				pipe := s.srv.StartPipe()
				transport := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
					if !there.Load() {
						return nil, failure
					}
					return pipe.DialContext(ctx, network, address)
				}}
				defer transport.CloseIdleConnections()
				s.waitOutClient(s.srv.Client(func(o *sqs.Options) { o.HTTPClient = &http.Client{Transport: transport} }),
					func() { there.Store(true) })
			})
		})
	}
}

func TestMissingCredentialsDoNotEndIt(t *testing.T) {
	within(t, queueName, func(s *site) {
		var there atomic.Bool
		credentials := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			if !there.Load() {
				return aws.Credentials{}, errors.New("no EC2 IMDS role found")
			}
			return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
		})
		s.waitOutClient(s.srv.Client(func(o *sqs.Options) { o.Credentials = credentials }), func() { there.Store(true) })
	})
}

func TestDeletedQueueDoesNotEndIt(t *testing.T) {
	within(t, queueName, func(s *site) {
		if _, err := s.client.DeleteQueue(s.t.Context(), &sqs.DeleteQueueInput{QueueUrl: &s.url}); err != nil {
			s.t.Fatal(err)
		}
		s.waitOutClient(s.client, func() {
			if _, err := s.srv.CreateQueue(s.name, nil); err != nil {
				s.t.Fatal(err)
			}
		})
	})
}

// waitOutClient runs a consumer whose client fails for an hour.
func (s *site) waitOutClient(client consumer.SQS, repair func()) {
	s.t.Helper()
	f := &flaky{SQS: client}
	s.startWith(f, succeed)
	time.Sleep(time.Hour)
	s.wantPatience(int(f.receives.Load()))
	repair()
	s.wantRecovery()
	s.stop()
}

func TestOccasionalRefusalsAreOneLogLine(t *testing.T) {
	within(t, queueName, func(s *site) {
		s.srv.Inject(sqslocal.Fault{Action: "ReceiveMessage", Chance: 0.3, Code: "ThrottlingException"})
		s.start(succeed)
		for _, id := range ids(600) {
			s.send(id)
			time.Sleep(100 * time.Millisecond)
		}
		if n := s.logs.FilterMessage("SQS call failing, will go on trying").Len(); n > 3 {
			t.Errorf("%d log lines in a minute of throttling", n)
		}
	})
}
