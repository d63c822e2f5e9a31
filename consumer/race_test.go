//go:build race

package consumer_test

// raceDetector reports whether the race detector is on.
const raceDetector = true
