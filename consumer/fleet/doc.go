// Package fleet is a test of 1 to 100 workers on one queue, in virtual time. Workers are
// started and stopped by the backlog for each worker, as the stack in deploy/ecs does it.
// The test measures how late events are, calls of SQS and repeats, and compares them with
// the formulas of docs/cost.md.
package fleet
