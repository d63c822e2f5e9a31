// Package version is the command version, and what other packages report as the
// program's version.
package version

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// A Version is the version of the program.
type Version string

// Of returns the release that the build set or, if it set none, what the Go tool
// recorded.
func Of(release string) Version {
	if release != "" {
		return Version(release)
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return Version(info.Main.Version)
	}
	return "(devel)"
}

// Command prints the version.
type Command struct{}

// Run prints the version.
func (*Command) Run(v Version) error {
	_, err := fmt.Printf("wildix-worker %s (%s, %s/%s)\n", v, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
