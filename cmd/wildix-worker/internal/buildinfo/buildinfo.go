// Package buildinfo returns the version of the program.
package buildinfo

import "runtime/debug"

// A Version is the version of the program.
type Version string

// Of returns the release that the linker has set or, if it is empty, the version that the Go
// tool recorded.
func Of(release string) Version {
	if release != "" {
		return Version(release)
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return Version(info.Main.Version)
	}
	return "(devel)"
}
