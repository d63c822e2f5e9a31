// Package buildinfo returns the version of the program.
package buildinfo

import "runtime/debug"

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
