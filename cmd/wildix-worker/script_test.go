package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/rogpeppe/go-internal/testscript"

	"wildix-worker/cmd/wildix-worker/internal/awstest"
	"wildix-worker/consumer/sqslocal"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"wildix-worker": main})
}

// TestScripts pins output, help and exit codes. Each script has its own embedded queue
// server at $ENDPOINT, with the queue $QUEUE, and an address $ADDR to listen on.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                "testdata/script",
		UpdateScripts:      os.Getenv("UPDATE_SCRIPTS") != "",
		RequireUniqueNames: true,
		Setup:              setUp,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":      exits,
			"fault":      fault,
			"depth":      depth,
			"await":      await,
			"queue":      queue,
			"deadletter": deadletter,
			"tasks":      tasks,
			"hide":       hide,
			"hang":       hang,
			"clock":      clock,
			"fetch":      fetch,
			"web":        web,
			"table":      table,
		},
		Condition: func(name string) (bool, error) {
			if name != "dynamodb" {
				return false, fmt.Errorf("no such condition: %s", name)
			}
			return os.Getenv(awstest.TablesVariable) != "", nil
		},
	})
}

type serverKey struct{}

func setUp(env *testscript.Env) error {
	srv := sqslocal.New(sqslocal.Options{})
	if err := srv.Start(""); err != nil {
		return err
	}
	env.Defer(func() { srv.Close() })
	env.Values[serverKey{}] = srv
	queueURL, err := srv.CreateQueue("calls", nil)
	if err != nil {
		return err
	}
	addr, err := freeAddr()
	if err != nil {
		return err
	}
	env.Vars = append(env.Vars,
		"ENDPOINT="+srv.URL(), "QUEUE="+queueURL, "ADDR="+addr,
		"AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
		"AWS_ENDPOINT_URL_DYNAMODB="+os.Getenv(awstest.TablesVariable),
		"AWS_EC2_METADATA_DISABLED=true", // keeps the SDK from asking for a role over the network
	)
	return nil
}

// freeAddr returns an address that is not in use.
func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// exits CODE COMMAND... runs a command, which must have the exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	code := 0
	err := ts.Exec(args[1], args[2:]...)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

// fault ACTION STATUS CODE COUNT [QUEUE] makes the server refuse an action COUNT times, or
// from now on if COUNT is 0.
func fault(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 && len(args) != 5 {
		ts.Fatalf("usage: fault ACTION STATUS CODE COUNT [QUEUE]")
	}
	status, err := strconv.Atoi(args[1])
	ts.Check(err)
	count, err := strconv.Atoi(args[3])
	ts.Check(err)
	server(ts).Inject(sqslocal.Fault{Action: args[0], Status: status, Code: args[2], Count: count, Queue: strings.Join(args[4:], "")})
}

// hang ACTION makes the server never answer an action.
func hang(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: hang ACTION")
	}
	server(ts).Inject(sqslocal.Fault{Action: args[0], Hang: true})
}

// queue NAME [ATTRIBUTE=VALUE...] creates a queue.
func queue(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: queue NAME [ATTRIBUTE=VALUE...]")
	}
	attributes := make(map[string]string)
	for _, arg := range args[1:] {
		name, value, _ := strings.Cut(arg, "=")
		attributes[name] = value
	}
	_, err := server(ts).CreateQueue(args[0], attributes)
	ts.Check(err)
}

// deadletter QUEUE receives messages until all are in the dead-letter queue.
func deadletter(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: deadletter QUEUE")
	}
	client := server(ts).Client()
	for held(server(ts), args[0]) > 0 {
		_, err := client.ReceiveMessage(context.Background(), &sqs.ReceiveMessageInput{
			QueueUrl: aws.String(server(ts).URL() + "/000000000000/" + args[0]), MaxNumberOfMessages: 10, VisibilityTimeout: 0,
		})
		ts.Check(err)
	}
}

// hide QUEUE receives up to ten messages and keeps them in flight.
func hide(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: hide QUEUE")
	}
	_, err := server(ts).Client().ReceiveMessage(context.Background(), &sqs.ReceiveMessageInput{
		QueueUrl: aws.String(server(ts).URL() + "/000000000000/" + args[0]), MaxNumberOfMessages: 10, VisibilityTimeout: 3600,
	})
	ts.Check(err)
}

// tasks QUEUE STATUS waits until the queue's latest message move task has the status.
func tasks(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: tasks QUEUE STATUS")
	}
	client := server(ts).Client()
	eventually(ts, "a task out of "+args[0]+" is "+args[1], func() bool {
		out, err := client.ListMessageMoveTasks(context.Background(), &sqs.ListMessageMoveTasksInput{
			SourceArn: aws.String("arn:aws:sqs:us-east-1:000000000000:" + args[0]),
		})
		ts.Check(err)
		return len(out.Results) > 0 && aws.ToString(out.Results[0].Status) == args[1]
	})
}

// depth QUEUE N waits until the queue holds N messages in all states.
func depth(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: depth QUEUE N")
	}
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	eventually(ts, "queue "+args[0]+" holds "+args[1]+" messages", func() bool { return held(server(ts), args[0]) == want })
}

// await FILE TEXT waits until the file, which a background command writes, contains the
// text.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: await FILE TEXT")
	}
	eventually(ts, args[0]+" has "+args[1]+" in it", func() bool {
		content, err := os.ReadFile(ts.MkAbs(args[0]))
		return err == nil && strings.Contains(string(content), args[1])
	})
}

// fetch STATUS URL TEXT [TOKEN] waits until a GET is answered with the status and the text.
func fetch(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: fetch STATUS URL TEXT [TOKEN]")
	}
	req, err := http.NewRequest(http.MethodGet, args[1], nil)
	ts.Check(err)
	if len(args) > 3 {
		req.Header.Set("Authorization", "Bearer "+args[3])
	}
	eventually(ts, args[1]+" answers "+args[0]+" with "+args[2], func() bool {
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		return err == nil && strconv.Itoa(resp.StatusCode) == args[0] && strings.Contains(string(body), args[2])
	})
}

// eventually waits until a condition is true. It fails the script after a minute, which is
// far more than other processes need.
func eventually(ts *testscript.TestScript, condition string, done func() bool) {
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			ts.Fatalf("not within a minute: %s", condition)
		}
	}
}

// held returns how many messages a queue holds in all states.
func held(srv *sqslocal.Server, queue string) int {
	depth := srv.Depth(queue)
	return depth.Visible + depth.InFlight + depth.Delayed
}

func server(ts *testscript.TestScript) *sqslocal.Server {
	return ts.Value(serverKey{}).(*sqslocal.Server)
}
