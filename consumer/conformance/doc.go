// Package conformance is a test suite of the consumer and the webhook that runs against
// several SQS servers: the embedded one of package sqslocal, and independent ones named in
// the environment variable CONFORMANCE_SERVERS.
package conformance
