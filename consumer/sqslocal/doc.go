// Package sqslocal is an SQS server inside the process. It keeps its queues in memory and speaks the AWS JSON 1.0 protocol, so that
// the client of the AWS SDK works with it unchanged. It needs no account, no container and no network.
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
// Visibility timeouts, delays, long polls and deduplication use only package time, so inside a testing/synctest bubble twelve hours
// pass at once. Sockets do not work in a bubble; [Server.StartPipe] serves in memory instead:
//
//	synctest.Test(t, func(t *testing.T) {
//		srv := sqslocal.New(sqslocal.Options{}) // made inside the bubble, as are its timers
//		srv.StartPipe()
//		defer srv.Close() // leaves no goroutine behind, as the bubble demands
//		client := srv.Client()
//		...
//	})
//
// # Faults
//
// [Server.Inject] injects a [Fault]: throttling, lost answers, closed connections, hung requests, batches that fail in part and
// duplicate deliveries. [Server.Depth] counts the messages of a queue, and [Server.Calls] the requests.
//
// # Like SQS
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
//     is visible. Messages in flight stay. A moved message is new to its destination and has another id, as SQS documents it.
//   - A message past the retention period is dropped when its turn to be received comes, and counted until then.
//
// # Unlike SQS
//
// Nothing is stored: the queues are lost when the server is closed. Signatures, credentials, policies and encryption are neither
// checked nor applied; their attributes are stored and returned. Tags, permissions and the older query protocol are answered with
// an error. ReceiveRequestAttemptId is accepted and ignored. A deleted queue can be created again at once, and a queue can be
// purged twice in a minute; SQS refuses both. The account is always 000000000000, the region us-east-1.
package sqslocal
