package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"net"
	"net/url"
	"os"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/cmd/wildix-worker/internal/awstest"
	"wildix-worker/events"
	"wildix-worker/signature"
)

// motoVariable has the URL of a moto server, which stands in for SQS, SNS and EventBridge.
const motoVariable = "MOTO_ENDPOINT"

// A firmAWS is what the firm has at AWS. Queues subscribe to the topic and to the bus.
type firmAWS struct {
	f      *firm
	config aws.Config
	sqs    *sqs.Client
}

// addAWS adds a queue, a topic and a bus.
func (f *firm) addAWS() {
	endpoint := os.Getenv(motoVariable)
	if endpoint == "" {
		f.t.Logf("no destinations at AWS: %s is not set; make test-all starts a moto", motoVariable)
		return
	}
	cfg := aws.Config{Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}
	a := &firmAWS{f: f, config: cfg, sqs: sqs.NewFromConfig(cfg)}
	f.aws = a
	u, err := url.Parse(endpoint)
	awstest.Fatal(f.t, err)
	a.addBilling(newFirmProxy(f.t, u.Host))
	a.addPhones(newFirmProxy(f.t, u.Host))
	a.addBus(newFirmProxy(f.t, u.Host))
}

func (a *firmAWS) addBilling(p *firmProxy) {
	queueURL, _ := a.newQueue()
	named, err := url.Parse(queueURL)
	awstest.Fatal(a.f.t, err)
	named.Host = p.address
	a.f.setenv("BILLING_QUEUE_URL", named.String())
	a.add("billing", p, queueURL, a.keyOfSigned, &firmDestination{
		wants: func(_ *firmCall, kind string) bool { return kind == events.CallCompleted },
	})
}

func (a *firmAWS) addPhones(p *firmProxy) {
	t, client := a.f.t, sns.NewFromConfig(a.config)
	topic, err := client.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("phones-" + rand.Text())})
	awstest.Fatal(t, err)
	queueURL, queueARN := a.newQueue()
	_, err = client.Subscribe(t.Context(), &sns.SubscribeInput{
		TopicArn: topic.TopicArn, Protocol: aws.String("sqs"), Endpoint: &queueARN, Attributes: map[string]string{"RawMessageDelivery": "true"},
	})
	awstest.Fatal(t, err)
	a.f.setenv("PHONES_TOPIC_ARN", *topic.TopicArn, "AWS_ENDPOINT_URL_SNS", "http://"+p.address)
	a.add("phones", p, queueURL, a.keyOfSigned, &firmDestination{
		wants: func(_ *firmCall, kind string) bool { return kind == events.CallStart },
	})
}

func (a *firmAWS) addBus(p *firmProxy) {
	t, client := a.f.t, eventbridge.NewFromConfig(a.config)
	bus, rule := aws.String("calls-"+rand.Text()), aws.String("all")
	_, err := client.CreateEventBus(t.Context(), &eventbridge.CreateEventBusInput{Name: bus})
	awstest.Fatal(t, err)
	_, err = client.PutRule(t.Context(), &eventbridge.PutRuleInput{Name: rule, EventBusName: bus, EventPattern: aws.String(`{"source":["wildix-worker"]}`)})
	awstest.Fatal(t, err)
	queueURL, queueARN := a.newQueue()
	_, err = client.PutTargets(t.Context(), &eventbridge.PutTargetsInput{
		Rule: rule, EventBusName: bus, Targets: []ebtypes.Target{{Id: aws.String("queue"), Arn: &queueARN}},
	})
	awstest.Fatal(t, err)
	a.f.setenv("CALLS_BUS", *bus, "AWS_ENDPOINT_URL_EVENTBRIDGE", "http://"+p.address)
	a.add("bus", p, queueURL, a.callOnBus, &firmDestination{
		derived: true, wants: func(*firmCall, string) bool { return true },
	})
}

// keyOfSigned returns the key of an event that a worker behind the queue can verify.
func (a *firmAWS) keyOfSigned(m types.Message) string {
	if got := aws.ToString(m.MessageAttributes["X-SIGNATURE"].StringValue); got != signature.Sign(firmSecret, []byte(*m.Body)) {
		a.f.t.Errorf("a message with the signature %q: %s", got, *m.Body)
	}
	return signature.Digest([]byte(*m.Body))
}

func (a *firmAWS) callOnBus(m types.Message) string {
	var got struct {
		DetailType string `json:"detail-type"`
		Detail     struct{ ID string }
	}
	if err := json.Unmarshal([]byte(*m.Body), &got); err != nil || got.DetailType != events.CallFinished {
		a.f.t.Errorf("%v in %s", err, *m.Body)
	}
	return got.Detail.ID
}

func (a *firmAWS) newQueue() (queueURL, arn string) {
	a.f.t.Helper()
	name := "firm-" + rand.Text()
	out, err := a.sqs.CreateQueue(a.f.t.Context(), &sqs.CreateQueueInput{QueueName: &name})
	awstest.Fatal(a.f.t, err)
	return *out.QueueUrl, "arn:aws:sqs:us-east-1:123456789012:" + name
}

// add adds a destination whose events come to a queue. Which worker sent one is not known.
func (a *firmAWS) add(name string, p *firmProxy, queueURL string, key func(types.Message) string, d *firmDestination) {
	t, found := a.f.t, make(arrivals)
	d.name, d.down, d.up = name, p.down, p.up
	d.received = func(*testing.T) arrivals {
		for {
			out, err := a.sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
				QueueUrl: &queueURL, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"},
			})
			awstest.Fatal(t, err)
			if len(out.Messages) == 0 {
				return found.clone()
			}
			for _, m := range out.Messages {
				found[key(m)] = append(found[key(m)], unknownLife)
				_, err := a.sqs.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: &queueURL, ReceiptHandle: m.ReceiptHandle})
				awstest.Fatal(t, err)
			}
		}
	}
	a.f.destinations = append(a.f.destinations, d)
}

// A firmProxy passes TCP connections on to a server. While it is down, it refuses new ones
// and has cut those that were open.
type firmProxy struct {
	target, address string

	mu       sync.Mutex
	listener net.Listener
	conns    map[net.Conn]bool
	served   sync.WaitGroup
}

func newFirmProxy(t *testing.T, target string) *firmProxy {
	t.Helper()
	p := &firmProxy{target: target, address: "127.0.0.1:0", conns: make(map[net.Conn]bool)}
	p.up(t)
	t.Cleanup(func() { p.down(t) })
	return p
}

func (p *firmProxy) up(t *testing.T) {
	l, err := net.Listen("tcp", p.address)
	awstest.Fatal(t, err)
	p.listener, p.address = l, l.Addr().String()
	p.served.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			p.served.Go(func() { p.pass(client) })
		}
	})
}

func (p *firmProxy) pass(client net.Conn) {
	defer client.Close()
	server, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", p.target)
	if err != nil {
		return
	}
	defer server.Close()
	p.mu.Lock()
	p.conns[client], p.conns[server] = true, true
	p.mu.Unlock()
	back := make(chan struct{})
	go func() {
		defer close(back)
		io.Copy(client, server)
		client.Close()
	}()
	io.Copy(server, client)
	server.Close()
	<-back
}

func (p *firmProxy) down(*testing.T) {
	p.listener.Close()
	p.mu.Lock()
	for conn := range p.conns {
		conn.Close()
	}
	clear(p.conns)
	p.mu.Unlock()
	p.served.Wait()
}
