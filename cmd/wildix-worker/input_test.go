package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"wildix-worker/cmd/wildix-worker/internal/awstest"
)

// One Ctrl-C ends a command that waits for its input, as in a terminal. The default action of
// the signal is off, since other commands finish what they have begun.
func TestSignalEndsACommandThatWaitsForInput(t *testing.T) {
	t.Setenv("WILDIX_SECRET", "s3cret")
	fifo := filepath.Join(t.TempDir(), "fifo")
	awstest.Fatal(t, syscall.Mkfifo(fifo, 0o600))
	for _, arguments := range []string{
		"verify --signature x " + fifo,
		"template test slack-missed-call --event " + fifo,
		"route test --event " + fifo,
		"send --webhook http://127.0.0.1:1/ --file " + fifo,
		"send --webhook http://127.0.0.1:1/ --exported " + fifo,
	} {
		command := exec.Command("wildix-worker", strings.Fields(arguments)...)
		var output strings.Builder
		command.Stdout, command.Stderr = &output, &output
		awstest.Fatal(t, command.Start())
		writer, err := os.OpenFile(fifo, os.O_WRONLY, 0) // returns when the command reads
		awstest.Fatal(t, err)
		awstest.Fatal(t, command.Process.Signal(os.Interrupt))
		err = command.Wait()
		writer.Close()
		if code := command.ProcessState.ExitCode(); code != 130 {
			t.Errorf("%s: %v, want exit code 130\n%s", arguments, err, &output)
		}
	}
}
