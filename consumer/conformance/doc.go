// Package conformance is one suite of tests that every SQS server must agree
// with: the embedded one of package sqslocal, and those named in the
// environment variable CONFORMANCE_SERVERS, which nobody here wrote.
package conformance
