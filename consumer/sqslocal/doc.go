// Package sqslocal is an Amazon SQS inside the process: a server that keeps its queues in memory and speaks the AWS JSON 1.0
// protocol, so that the real client of the AWS SDK runs against it. It needs no account, no container and no network.
//
// A test starts a server, makes a queue and uses the client as it would any other:
//
//	srv := sqslocal.New(sqslocal.Options{})
//	if err := srv.Start(""); err != nil { ... } // on a free port of the loopback interface
//	defer srv.Close()
//	queueURL, err := srv.CreateQueue("calls", map[string]string{"VisibilityTimeout": "60"})
//	client := srv.Client() // a *sqs.Client
//
// # Virtual time
//
// Visibility timeouts, delays, long polls and deduplication follow the package time and nothing else, so inside a testing/synctest
// bubble twelve hours pass in no time. Sockets do not work in a bubble; [Server.StartPipe] serves over memory instead:
//
//	synctest.Test(t, func(t *testing.T) {
//		srv := sqslocal.New(sqslocal.Options{}) // made inside the bubble, as are its timers
//		srv.StartPipe()
//		defer srv.Close() // leaves no goroutine behind, as the bubble demands
//		client := srv.Client()
//		...
//	})
//
// # Trouble on demand
//
// [Server.Inject] switches on a [Fault]: throttling, lost answers, closed connections, hung requests, batches that fail in part and
// duplicate deliveries. [Server.Depth] and [Server.Calls] tell what a queue holds and what was asked of it.
//
// # What it does as SQS does
//
// Standard and FIFO queues, short and long polls, visibility timeouts and their limit of twelve hours, receipt handles that change
// with each receive, delays, dead-letter queues and the tasks that move messages out of them, message attributes and their digests,
// batches that fail in part, the limits on sizes and numbers, and the errors the SDK turns into types. Where SQS leaves something
// open, this server picks the case that is harder for a consumer, and always the same one:
//
//   - Deleting with a handle older than the latest receive succeeds and deletes nothing on a standard queue; on a FIFO queue it is
//     an InvalidParameterValue, as is deleting after the visibility timeout has passed.
//   - Deleting on a standard queue after the timeout has passed, but before the message was received again, deletes it. Deleting a
//     message that is gone already succeeds.
//   - Changing the visibility of a message that is visible is a MessageNotInflight; with an old handle, or after the message is gone,
//     it is an InvalidParameterValue.
//   - A receive returns as many messages as there are, up to the number asked for; SQS may return fewer.
//   - Messages that become visible again line up behind those already visible; on a FIFO queue they keep their place in their group.
//   - A message move task moves one message at a time, 500 a second unless it is told to be slower, and is complete when no message
//     is visible. What is in flight stays. Messages are new to the queue that they come to, with another id, as SQS documents it.
//   - A message past the retention period is dropped when its turn to be received comes, and counted until then.
//
// # What it does not do
//
// Nothing is stored: a closed server has forgotten its queues. Signatures, credentials, policies and encryption are neither checked
// nor applied (attributes of that kind are kept and given back). Tags, permissions and the older query protocol answer with an
// error. ReceiveRequestAttemptId is accepted and ignored. A deleted queue can be made again at once, and a queue purged twice in a
// minute, both of which SQS refuses. The account is always 000000000000, the region us-east-1.
package sqslocal
