// Package bench measures the program as its users run it. `wildix-worker run` is a process with
// its default settings, and so are the queue's server and the plainest loop over the SDK, with
// which the program is compared in turns.
//
//	go test -run '^$' -bench Program -benchtime 5x ./cmd/wildix-worker/internal/bench
//	go test -run '^$' -bench Growth -benchtime 1x -timeout 2h ./cmd/wildix-worker/internal/bench
//
// The ratios count, since absolute figures depend on the machine and on what else it does. It
// measures on Linux only, which shows the CPU time and memory of a running process.
package bench
