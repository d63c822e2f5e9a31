// Package calls is the command calls: it lists the calls that the store handler has
// written.
package calls

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"time"

	"wildix-worker/cmd/wildix-worker/internal/config"
	"wildix-worker/cmd/wildix-worker/internal/term"
	"wildix-worker/events/calls"
	"wildix-worker/events/handlers/store"
)

// Command is the command calls.
type Command struct {
	config.File    `embed:""`
	config.Store   `embed:""`
	periodSettings `embed:""`
	Limit          config.Count `placeholder:"N" help:"Show at most so many calls, the latest of them."`
	Missed         bool         `help:"Show missed calls only."`
	JSON           bool         `name:"json" xor:"format" help:"Write each call as a line of JSON."`
	CSV            bool         `name:"csv" xor:"format" help:"Write comma-separated values, with a header line."`
	Excel          bool         `help:"Write the --csv for Excel: with a byte order mark, local times and whole seconds, and phone numbers kept as they are."`
	Separator      separator    `placeholder:"comma" help:"What separates the values of --csv: comma or semicolon." values:"comma,semicolon"`
}

// Help is what --help shows below the summary.
func (*Command) Help() string {
	return `The database is that of --store-url or, with --config, of the file's only destination of
type database.

The earliest call comes first. Times are local, except in JSON and CSV, where they
are UTC. A call is missed if it ended without an answer and was not an outbound call.

A day starts when its date does in the time zone, also when clocks change. --until with a
date includes that day.

In CSV, a text that a spreadsheet would take for a formula gets an apostrophe in front.
Excel splits a CSV file at the list separator of the Windows region: a comma in the United
Kingdom and the United States, a semicolon in Italy, Germany and most of Europe. There, use
--csv --excel --separator semicolon.`
}

// A separator is what separates the values of CSV.
type separator struct {
	value rune
	err   error
}

// UnmarshalText never fails; see err.
func (s *separator) UnmarshalText(text []byte) error {
	*s = separator{}
	switch string(text) {
	case "":
	case "comma":
		s.value = ','
	case "semicolon":
		s.value = ';'
	default:
		s.err = fmt.Errorf("%q is not comma or semicolon", text)
	}
	return nil
}

// Run lists the calls.
func (cmd *Command) Run(ctx context.Context) error {
	faults := cmd.Faults()
	cfg := cmd.WrittenStore(&cmd.File, &faults)
	zone := cmd.location(&faults)
	period := cmd.span(time.Now().In(zone), &faults)
	faults.Add("--limit", cmd.Limit.Err)
	faults.Add("--separator", cmd.Separator.err)
	if !cmd.CSV && cmd.Excel {
		faults.Add("--excel", errNeedsCSV)
	}
	if !cmd.CSV && cmd.Separator.value != 0 {
		faults.Add("--separator", errNeedsCSV)
	}
	if err := faults.Err(); err != nil {
		return err
	}
	out := term.NewPrinter(os.Stdout)
	list := tableFormat{zone}.list
	switch {
	case cmd.JSON:
		list = listJSON
	case cmd.CSV:
		list = csvFormat{cmp.Or(cmd.Separator.value, ','), cmd.Excel, zone}.list
	}
	query := store.Query{Since: period.begin, Until: period.end, Missed: cmd.Missed, Limit: cmd.Limit.Value}
	err := opened(store.Calls(ctx, cfg, query), func(all iter.Seq2[calls.Record, error]) error { return list(out, all) })
	return errors.Join(err, out.Err())
}

// opened calls list, unless the first of the calls is an error: nothing is written then, not
// even a header.
func opened(found iter.Seq2[calls.Record, error], list func(iter.Seq2[calls.Record, error]) error) error {
	next, stop := iter.Pull2(found)
	defer stop()
	r, err, ok := next()
	if err != nil {
		return err
	}
	return list(func(yield func(calls.Record, error) bool) {
		for ok && yield(r, err) {
			r, err, ok = next()
		}
	})
}

var errNeedsCSV = errors.New("needs --csv")
