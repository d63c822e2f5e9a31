// Package stack makes new goroutines cheaper that call deep functions.
package stack

// handlerStack is more than half of the 8 KiB that a call of a handler needs.
const handlerStack = 5 << 10

// Grow makes the stack of a goroutine that has just begun large enough for a call of a handler. It
// begins with 2 KiB, and is copied each time it doubles. With a dozen frames on it, that takes
// longer than to write a log line.
func Grow() { grow(0) }

// grow has a frame that does not fit a smaller stack.
//
//go:noinline
func grow(i int) byte {
	var frame [handlerStack]byte
	return frame[i]
}
