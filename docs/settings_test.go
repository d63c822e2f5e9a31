package docs

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A setting is a flag as --help shows it.
type setting struct {
	flag      string
	variables []string
	value     string // after the flag: a default such as 64, or a name such as FILE
}

var (
	commandLine = regexp.MustCompile(`(?m)^  ([a-z]+(?: [a-z]+)?)(?: \[?<body>\]?| <shell>| <name>| <template>)?(?: \[flags\])?$`)
	flagLine    = regexp.MustCompile(`^ +(?:-h, )?(--[a-z-]+)(?:="?([^"\s]*)"?)?(?:\s+(.*))?$`)
	variable    = regexp.MustCompile(`\$(WILDIX_[A-Z_]+|SQS_URL)`)
)

func help(t *testing.T, command string) string {
	t.Helper()
	out, err := exec.Command(program, append(strings.Fields(command), "--help")...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s --help: %v\n%s", command, err, out)
	}
	return string(out)
}

// commands returns the names of all commands, as help lists them.
func commands(t *testing.T) (names []string) {
	t.Helper()
	for _, found := range commandLine.FindAllStringSubmatch(help(t, ""), -1) {
		names = append(names, found[1])
	}
	for _, group := range []string{"config", "dlq", "store", "template", "route"} {
		for _, found := range commandLine.FindAllStringSubmatch(help(t, group), -1) {
			names = append(names, found[1])
		}
	}
	if len(names) < 15 {
		t.Fatalf("only found the commands %v", names)
	}
	return names
}

// flags returns the command's flags, without --help.
func flags(t *testing.T, command string) (all []setting) {
	t.Helper()
	_, text, _ := strings.Cut(help(t, command), "\nFlags:\n")
	var meaning []string
	finish := func() {
		if len(all) > 0 {
			for _, found := range variable.FindAllStringSubmatch(strings.Join(meaning, " "), -1) {
				all[len(all)-1].variables = append(all[len(all)-1].variables, found[1])
			}
		}
		meaning = nil
	}
	for line := range strings.SplitSeq(text, "\n") {
		found := flagLine.FindStringSubmatch(line)
		if found == nil {
			meaning = append(meaning, line)
			continue
		}
		finish()
		meaning = append(meaning, found[3])
		if found[1] != "--help" {
			all = append(all, setting{flag: found[1], value: found[2]})
		}
	}
	finish()
	return all
}

// defaultOf returns the default of a setting, or "" if it has none: a value in
// capitals is not a default.
func (s setting) defaultOf() string {
	if strings.ToUpper(s.value) == s.value && !regexp.MustCompile(`\d`).MatchString(s.value) || s.value == "STATUS,..." {
		return ""
	}
	return s.value
}

// A row is a setting as docs/configuration.md lists it.
type row struct {
	variables, flags, commands []string
	value                      string
}

var (
	tableRow = regexp.MustCompile(`(?m)^\|([^|]*)\|([^|]*)\|([^|]*)\|([^|]*)\|([^|]*)\|$`)
	code     = regexp.MustCompile("`([^`]*)`")
)

func codes(cell string) (all []string) {
	for _, found := range code.FindAllStringSubmatch(cell, -1) {
		all = append(all, found[1])
	}
	return all
}

// rows returns the tables of docs/configuration.md: variable, flag, default, commands, meaning.
func rows(t *testing.T) (all []row) {
	t.Helper()
	for _, cells := range tableRow.FindAllStringSubmatch(readPage(t, "configuration.md").text, -1) {
		if variables, flags := codes(cells[1]), codes(cells[2]); len(variables)+len(flags) > 0 {
			all = append(all, row{
				variables: variables, flags: flags, commands: codes(cells[4]), value: strings.Join(codes(cells[3]), ""),
			})
		}
	}
	return all
}

// Every flag of every command has a row with its variables, its default and the command, and
// every row matches a flag.
func TestConfigurationListsEverySetting(t *testing.T) {
	table := rows(t)
	listed := make(map[string]bool)
	for _, r := range table {
		for _, flag := range r.flags {
			for _, command := range r.commands {
				listed[command+" "+flag] = true
			}
		}
	}
	for _, command := range commands(t) {
		for _, s := range ownFlags(t, command) {
			i := slices.IndexFunc(table, func(r row) bool {
				return slices.Contains(r.flags, s.flag) && slices.Contains(r.commands, command)
			})
			if i < 0 {
				t.Errorf("docs/configuration.md does not say that %s takes %s", command, s.flag)
				continue
			}
			delete(listed, command+" "+s.flag)
			if want := s.defaultOf(); table[i].value != want && !(want == "" && table[i].value == "false") {
				t.Errorf("%s %s: docs/configuration.md has the default %q, --help %q", command, s.flag, table[i].value, want)
			}
			for _, v := range s.variables {
				if !slices.Contains(table[i].variables, v) {
					t.Errorf("%s %s: docs/configuration.md does not name %s", command, s.flag, v)
				}
			}
		}
	}
	for name := range listed {
		t.Errorf("docs/configuration.md lists %s, which does not exist", name)
	}
}

// ownFlags returns the command's flags without those of check, if the page says that the
// command takes the settings of check.
func ownFlags(t *testing.T, command string) []setting {
	t.Helper()
	all := flags(t, command)
	if !slices.Contains([]string{"config check", "config show", "route test", "replay"}, command) {
		return all
	}
	same := flags(t, "check")
	return slices.DeleteFunc(all, func(s setting) bool {
		return slices.ContainsFunc(same, func(other setting) bool { return other.flag == s.flag })
	})
}

var wildixVariable = regexp.MustCompile(`\bWILDIX_[A-Z]+(?:_[A-Z]+)*\b`)

// variablesIn returns the variables that the non-test Go files of a folder name.
func variablesIn(t *testing.T, dir string) map[string]bool {
	t.Helper()
	names := make(map[string]bool)
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, name := range wildixVariable.FindAllString(string(text), -1) {
			names[name] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// Variables without a flag are listed too, and no page names one that does not exist.
func TestVariablesExist(t *testing.T) {
	listed := make(map[string]bool)
	for _, r := range rows(t) {
		for _, v := range r.variables {
			listed[v] = true
		}
	}
	settings := variablesIn(t, "../cmd/wildix-worker")
	for name := range settings {
		if !listed[name] {
			t.Errorf("docs/configuration.md does not list %s", name)
		}
	}
	maps.Copy(settings, variablesIn(t, "../events/handlers/command")) // what a program gets
	for _, p := range everyPage(t) {
		for _, name := range wildixVariable.FindAllString(p.text, -1) {
			if !settings[name] {
				t.Errorf("%s names %s, which does not exist", p.path, name)
			}
		}
	}
}

// Inline code that is a flag, or a command with flags, names existing ones.
func TestFlagsExist(t *testing.T) {
	known := map[string]bool{"--help": true}
	byCommand := make(map[string]bool)
	for _, command := range commands(t) {
		for _, s := range flags(t, command) {
			known[s.flag] = true
			byCommand[command+" "+s.flag] = true
		}
	}
	ours := regexp.MustCompile(`^(?:wildix-worker )?(` + strings.Join(commands(t), "|") + `)\b.*?(--[a-z-]+)`)
	for _, p := range pages(t) {
		for _, inline := range codes(p.prose()) {
			if flag := regexp.MustCompile(`^--[a-z-]+`).FindString(inline); flag != "" && !known[flag] {
				t.Errorf("%s names %s, which no command takes", p.path, inline)
			}
			if found := ours.FindStringSubmatch(inline); found != nil && found[2] != "--help" && !byCommand[found[1]+" "+found[2]] {
				t.Errorf("%s: %s takes no %s", p.path, found[1], found[2])
			}
		}
	}
}

// Each command is named on some page.
func TestEveryCommandIsDocumented(t *testing.T) {
	var text strings.Builder
	for _, p := range pages(t) {
		fmt.Fprintln(&text, p.text)
	}
	for _, command := range commands(t) {
		if !strings.Contains(text.String(), "wildix-worker "+command) {
			t.Errorf("no page shows wildix-worker %s", command)
		}
	}
}

// The pages that help and the manual page name exist.
func TestPagesOfHelpExist(t *testing.T) {
	manual, err := exec.Command(program, "manual").Output()
	check(t, err)
	text := string(manual)
	for _, command := range commands(t) {
		text += help(t, command)
	}
	named := regexp.MustCompile(`docs/[a-z-]+\.md`).FindAllString(text, -1)
	if len(named) == 0 {
		t.Error("help names no page")
	}
	for _, path := range named {
		if !exists(path) {
			t.Errorf("help names %s, which does not exist", path)
		}
	}
}
