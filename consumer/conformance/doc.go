// Package conformance tests the consumer and the webhook against several SQS servers: the
// embedded one of package sqslocal, and independent ones named in the environment variable
// CONFORMANCE_SERVERS.
package conformance
