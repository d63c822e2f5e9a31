package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// release is set by the Makefile when it builds.
var release string

type versionCmd struct{}

// Run shows the version.
func (*versionCmd) Run() error {
	_, err := fmt.Printf("wildix-worker %s (%s, %s/%s)\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

// version is the release, or what the Go tool knows of the build.
func version() string {
	if release != "" {
		return release
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
