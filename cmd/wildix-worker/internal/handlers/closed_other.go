//go:build !unix

package handlers

// standardOutputClosed reports false: a write to a closed standard output fails here.
func standardOutputClosed() bool { return false }
