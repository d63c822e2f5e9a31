package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"wildix-worker/cmd/wildix-worker/internal/awstest"
	"wildix-worker/cmd/wildix-worker/internal/config"

	"github.com/alecthomas/kong"
)

// A typedLine is a command line and the wanted completions of its last word.
type typedLine struct {
	typed string
	want  []string
}

var completions = []typedLine{
	{"wildix-worker heal", []string{"healthcheck"}},
	{"wildix-worker ver", []string{"verify", "version"}},
	{"wildix-worker run --on-r", []string{"--on-rejected"}},
	{"wildix-worker run --on-rejected qu", []string{"quarantine"}},
	{"wildix-worker run --on-rejected=", []string{"leave", "quarantine", "delete"}},
	{"wildix-worker run --log-level=de", []string{"debug"}},
	{"wildix-worker run --queue-url ", nil},
	{"wildix-worker demo --", []string{"--help", "--forever", "--queue-only", "--rate"}},
	{"wildix-worker send --bad t", []string{"tampered"}},
	{"wildix-worker completion f", []string{"fish"}},
	{"wildix-worker d", []string{"demo", "dlq"}},
	{"wildix-worker dlq ", []string{"list", "redrive", "export"}},
	{"wildix-worker dlq re", []string{"redrive"}},
	{"wildix-worker dlq redrive --dr", []string{"--dry-run"}},
	{"wildix-worker dlq list --dr", nil},
	{"wildix-worker template test hub", []string{"hubspot-call"}},
	{"wildix-worker rep", []string{"replay"}},
	{"wildix-worker replay --res", []string{"--restart", "--resume"}},
	{"wildix-worker route ", []string{"test"}},
	{"wildix-worker route test --ev", []string{"--event"}},
}

func TestCompletionInBash(t *testing.T) {
	script := completionScript(t, "bash")
	for _, c := range completions {
		// Bash splits --flag=value into three words.
		line := strings.ReplaceAll(c.typed, "=", " = ")
		words := strings.Split(line, " ")
		driver := fmt.Sprintf(`source %q; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _wildix_worker; printf '%%s\n' "${COMPREPLY[@]}"`, script)
		got := strings.Fields(inShell(t, "bash", slices.Concat([]string{"--norc", "-c", driver, "bash"}, words)...))
		wantCompletions(t, c.typed, got, c.want)
	}
}

func TestCompletionInFish(t *testing.T) {
	script := completionScript(t, "fish")
	for _, c := range completions {
		out := inShell(t, "fish", "--no-config", "-c", fmt.Sprintf("source %q; complete -C %q", script, c.typed))
		var got []string
		for line := range strings.Lines(out) {
			word, _, _ := strings.Cut(strings.TrimSpace(line), "\t")
			_, value, isFlag := strings.Cut(word, "=") // fish completes --flag=value as a whole
			if isFlag && value != "" {
				word = value
			}
			got = append(got, strings.TrimSuffix(word, "="))
		}
		wantCompletions(t, c.typed, got, c.want)
	}
}

// Completion in zsh works only in an interactive shell. The test completes a line there and
// runs it; a function with the program's name prints the arguments.
func TestCompletionInZsh(t *testing.T) {
	script := completionScript(t, "zsh")
	driver := `
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell 'fpath=(${SCRIPT:h} $fpath); autoload -U compinit; compinit -u -D; wildix-worker() { print -r -- "<$*>" }; print re''ady'
zpty -r shell out '*ready*'
for typed; do
	zpty -w shell $typed$'\t'
	zpty -r shell out $'*<*>*'
	print -r -- ${${out##*<}%%>*}
done
zpty -d shell`
	args := []string{"-f", "-c", driver, "zsh"}
	var unique []typedLine
	for _, c := range completions {
		if len(c.want) == 1 {
			unique, args = append(unique, c), append(args, c.typed)
		}
	}
	t.Setenv("SCRIPT", script)
	entered := strings.Split(strings.TrimSpace(inShell(t, "zsh", args...)), "\n")
	if len(entered) != len(unique) {
		t.Fatalf("entered %q", entered)
	}
	for i, c := range unique {
		typed := strings.TrimPrefix(c.typed, "wildix-worker ")
		want := typed[:strings.LastIndexAny(typed, " =")+1] + c.want[0]
		if got := strings.TrimRight(entered[i], "= "); got != want {
			t.Errorf("%q is completed to %q, want %q", typed, got, want)
		}
	}
}

func TestCompletionOffersOnlyValidValues(t *testing.T) {
	t.Setenv(config.SecretVariable, "") // so that commands only check their settings
	offered := 0
	for _, command := range kong.Must(&cli{}).Model.Leaves(true) {
		for _, f := range slices.Concat(command.AllFlags(true)...) {
			for _, value := range strings.FieldsFunc(f.Tag.Get("values"), func(r rune) bool { return r == ',' }) {
				offered++
				out, _ := exec.Command("wildix-worker", append(strings.Fields(command.Path()), "--"+f.Name, value)...).CombinedOutput()
				if flagName := "--" + f.Name; strings.Contains(string(out), flagName) && strings.Contains(string(out), fmt.Sprintf("%q", value)) {
					t.Errorf("%s %s %s:\n%s", command.Name, flagName, value, out)
				}
			}
		}
	}
	if offered == 0 {
		t.Error("no flag has values")
	}
}

func completionScript(t *testing.T, shell string) string {
	t.Helper()
	if _, err := exec.LookPath(shell); err != nil {
		t.Skipf("%s is not installed; .ci/release installs it", shell)
	}
	out, err := exec.Command("wildix-worker", "completion", shell).Output()
	awstest.Fatal(t, err)
	file := filepath.Join(t.TempDir(), "_wildix-worker")
	awstest.Fatal(t, os.WriteFile(file, out, 0o644))
	return file
}

func inShell(t *testing.T, shell string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, shell, args...)
	cmd.Stderr = &strings.Builder{}
	out, err := cmd.Output()
	if stderr := cmd.Stderr.(*strings.Builder).String(); err != nil || stderr != "" {
		t.Fatalf("%s: %v\n%s", shell, err, stderr)
	}
	return string(out)
}

func wantCompletions(t *testing.T, typed string, got, want []string) {
	t.Helper()
	slices.Sort(got)
	want = slices.Sorted(slices.Values(want))
	if !slices.Equal(got, want) {
		t.Errorf("%q: completions %q, want %q", typed, got, want)
	}
}
