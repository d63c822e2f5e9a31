package check

import (
	"context"
	"fmt"
	"os"
)

// checkSecretsFile warns of a file whose secrets others on this machine can read, or replace.
// Its group may read it, as that of a service does.
func checkSecretsFile(_ context.Context, i *inspection) finding {
	const groupWrites, othersRead, othersWrite = 0o020, 0o004, 0o002
	name := i.settings.SecretsFile
	if name == "" {
		return finding{}
	}
	info, err := os.Stat(name)
	if err != nil {
		return finding{} // the settings are wrong, and say so
	}
	var what string
	switch mode := info.Mode().Perm(); {
	case mode&(groupWrites|othersWrite) != 0:
		what = "change"
	case mode&othersRead != 0:
		what = "read"
	default:
		return finding{}
	}
	return warning(name, fmt.Sprintf("others on this machine can %s the secrets (mode %04o); run chmod 0600 %s, or 0640 with the group of the service", what, info.Mode().Perm(), name))
}
