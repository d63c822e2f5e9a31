package main

import (
	"context"
	"os"
	"testing"

	"wildix-worker/cmd/wildix-worker/internal/awstest"

	"github.com/rogpeppe/go-internal/testscript"
)

// table VARIABLE KEY creates a DynamoDB table with a partition key, and sets the variable to
// its name.
func table(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: table VARIABLE KEY")
	}
	name, remove, err := awstest.NewTable(context.Background(), os.Getenv(awstest.TablesVariable), args[1])
	ts.Check(err)
	ts.Defer(func() { ts.Check(remove()) })
	ts.Setenv(args[0], name)
}

// newOnceTable creates a table as docs/effect-once.md does.
func newOnceTable(t *testing.T) string {
	t.Helper()
	name, remove, err := awstest.NewTable(t.Context(), os.Getenv(awstest.TablesVariable), "key")
	awstest.Fatal(t, err)
	t.Cleanup(func() { awstest.Fatal(t, remove()) })
	return name
}
