package docs

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	makeTarget = regexp.MustCompile(`^make ([a-z-]+)`)
	script     = regexp.MustCompile(`^\.ci/[a-z-]+`)
	ciParts    = regexp.MustCompile(`^\.ci/run ([a-z].*)$`)
	repository = regexp.MustCompile(`^(?:cmd|consumer|events|signature|internal|deploy|docs)/[a-zA-Z/_.-]+$`)
	goFolder   = regexp.MustCompile(`^go (?:test|doc) .*?(\./[a-z/-]+)`)
)

// What inline code names exists: targets of make, scripts and parts of CI, files and folders.
func TestTargetsExist(t *testing.T) {
	makefile, err := os.ReadFile("../Makefile")
	check(t, err)
	list, err := exec.Command("../.ci/run", "--list").Output()
	check(t, err)
	for _, p := range everyPage(t) {
		for _, inline := range codes(p.prose()) {
			if found := makeTarget.FindStringSubmatch(inline); found != nil && !strings.Contains(string(makefile), "\n"+found[1]+":") {
				t.Errorf("%s: the Makefile has no target %s", p.path, found[1])
			}
			if found := script.FindString(inline); found != "" && !exists(found) {
				t.Errorf("%s: no %s", p.path, found)
			}
			if found := ciParts.FindStringSubmatch(inline); found != nil {
				for part := range strings.FieldsSeq(found[1]) {
					if !strings.Contains("\n"+string(list), "\n"+part+" ") {
						t.Errorf("%s: .ci/run has no part %s", p.path, part)
					}
				}
			}
			if found := repository.FindString(inline); found != "" && !exists(strings.TrimSuffix(found, "/...")) {
				t.Errorf("%s: no %s", p.path, found)
			}
			if found := goFolder.FindStringSubmatch(inline); found != nil && !exists(strings.TrimSuffix(found[1], "/...")) {
				t.Errorf("%s: no package %s", p.path, found[1])
			}
		}
	}
}

func exists(path string) bool {
	_, err := os.Stat(filepath.Join("..", path))
	return err == nil
}
