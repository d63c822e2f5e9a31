// Package version is the command version: it prints the version of the program.
package version

import (
	"fmt"
	"runtime"

	"wildix-worker/cmd/wildix-worker/internal/buildinfo"
)

// Command is the command version.
type Command struct{}

// Run prints the version.
func (*Command) Run(v buildinfo.Version) error {
	_, err := fmt.Printf("wildix-worker %s (%s, %s/%s)\n", v, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
