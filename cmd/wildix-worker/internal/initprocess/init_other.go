//go:build !unix

package initprocess

// Run returns false: there is no such process.
func Run() (code int, isFirst bool) { return 0, false }
