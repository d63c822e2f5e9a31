package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/lib/pq"

	"wildix-worker/events/calls"
)

// A postgresDialect writes all rows by few statements, since each is a way there
// and back. They are prepared once, which saves another.
type postgresDialect struct {
	insertEvents, insertCalls, lockCalls, updateCalls *sql.Stmt
}

// migrationLock is the number that stands for a migration of these tables.
const migrationLock = 7_301_150_918

func (*postgresDialect) migrations() (folder, lock string) {
	return "migrations/postgres", fmt.Sprintf("SELECT pg_advisory_xact_lock(%d)", migrationLock)
}

func (p *postgresDialect) prepare(ctx context.Context, db *sql.DB) error {
	return prepareAll(ctx, db, []statement{
		{&p.insertEvents, insertEvents}, {&p.insertCalls, insertCalls}, {&p.lockCalls, lockCalls}, {&p.updateCalls, updateCalls},
	})
}

const insertEvents = `INSERT INTO events (delivery_key, time, type, id, company, pbx, integration_id, raw)
	SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bytea[])
	ON CONFLICT DO NOTHING`

func (p *postgresDialect) writeEvents(ctx context.Context, tx *sql.Tx, rows []*eventRow) error {
	var keys, types, ids, companies, pbxs, integrations []string
	var times []string
	var raws [][]byte
	for _, r := range rows {
		keys, times, types = append(keys, r.key), append(times, r.time.UTC().Format(time.RFC3339Nano)), append(types, r.eventType)
		ids, companies, pbxs = append(ids, r.id), append(companies, r.company), append(pbxs, r.pbx)
		integrations, raws = append(integrations, r.integration), append(raws, r.raw)
	}
	_, err := tx.StmtContext(ctx, p.insertEvents).ExecContext(ctx, pq.Array(keys), pq.Array(times), pq.Array(types), pq.Array(ids),
		pq.Array(companies), pq.Array(pbxs), pq.Array(integrations), pq.Array(raws))
	return err
}

// A row of calls goes there as a JSON object, whose fields the database reads by
// the types of the columns. No statement joins the table, since a plan that was
// made while the table was small would read all of it.
var (
	insertCalls = insertRows + `ON CONFLICT DO NOTHING RETURNING company, id`
	updateCalls = insertRows + `ON CONFLICT (company, id) DO UPDATE SET ` + assignments()
	lockCalls   = `SELECT known.company, known.id, known.facts
		FROM (SELECT company, id FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS u (company, id, n) ORDER BY n) AS wanted,
		LATERAL (SELECT company, id, facts FROM calls WHERE company = wanted.company AND id = wanted.id FOR UPDATE) AS known`
)

const insertRows = `INSERT INTO calls SELECT * FROM json_populate_recordset(NULL::calls, $1) ORDER BY company COLLATE "C", id COLLATE "C" `

// assignments give a row that is there what was to be inserted.
func assignments() string {
	var all []string
	for _, column := range callColumns[2:] {
		all = append(all, column+" = excluded."+column)
	}
	return strings.Join(all, ", ")
}

// writeCalls inserts the calls that are new. The others it locks, in the order
// that all workers keep, before it reads what is to be merged: what another
// worker adds meanwhile waits, and is merged with what this one wrote.
func (p *postgresDialect) writeCalls(ctx context.Context, tx *sql.Tx, calls []call) error {
	known, err := p.insertNew(ctx, tx, calls)
	if err != nil || len(known) == 0 {
		return err
	}
	changed, err := p.mergeKnown(ctx, tx, known)
	if err != nil || len(changed) == 0 {
		return err
	}
	_, err = tx.StmtContext(ctx, p.updateCalls).ExecContext(ctx, rowsOf(changed))
	return err
}

// insertNew returns the calls that are there already.
func (p *postgresDialect) insertNew(ctx context.Context, tx *sql.Tx, batch []call) (known []call, err error) {
	rows, err := tx.StmtContext(ctx, p.insertCalls).QueryContext(ctx, rowsOf(batch))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	inserted := make(map[calls.Key]bool)
	for rows.Next() {
		var key calls.Key
		if err := rows.Scan(&key.Company, &key.ID); err != nil {
			return nil, err
		}
		inserted[key] = true
	}
	for _, c := range batch {
		if !inserted[c.key] {
			known = append(known, c)
		}
	}
	return known, rows.Err()
}

// errDeleted is worth another try: then the call is inserted.
var errDeleted = errors.New("a call was deleted while it was written")

// mergeKnown locks the calls, which are there, and returns those that the table
// does not say all of.
func (p *postgresDialect) mergeKnown(ctx context.Context, tx *sql.Tx, batch []call) (changed []call, err error) {
	var companies, ids []string
	byKey := make(map[calls.Key]call)
	for _, c := range batch {
		companies, ids = append(companies, c.key.Company), append(ids, c.key.ID)
		byKey[c.key] = c
	}
	rows, err := tx.StmtContext(ctx, p.lockCalls).QueryContext(ctx, pq.Array(companies), pq.Array(ids))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := 0
	for ; rows.Next(); found++ {
		var key calls.Key
		var known []byte
		if err := rows.Scan(&key.Company, &key.ID, &known); err != nil {
			return nil, err
		}
		c, err := byKey[key].merged(known)
		if err != nil {
			return nil, err
		}
		if !bytes.Equal(c.factsText(), known) {
			changed = append(changed, c)
		}
	}
	if rows.Err() == nil && found < len(batch) {
		return nil, errDeleted
	}
	return changed, rows.Err()
}

// rowsOf is the calls as a JSON array of objects.
func rowsOf(calls []call) string {
	out := []byte{'['}
	for i, c := range calls {
		if i > 0 {
			out = append(out, ',')
		}
		for j, value := range c.values() {
			out = append(out, columnNames[j]...)
			out = appendJSON(out, value)
		}
		out = append(out, '}')
	}
	return string(append(out, ']'))
}

// columnNames are what stands before the value of a column.
var columnNames = func() []string {
	names := make([]string, len(callColumns))
	for i, column := range callColumns {
		names[i] = fmt.Sprintf(",%q:", column)
	}
	names[0] = "{" + names[0][1:]
	return names
}()

func appendJSON(out []byte, value any) []byte {
	switch value := value.(type) {
	case nil:
		return append(out, "null"...)
	case bool:
		return strconv.AppendBool(out, value)
	case int64:
		return strconv.AppendInt(out, value, 10)
	default:
		text, err := json.Marshal(value)
		if err != nil {
			panic(fmt.Sprintf("a value can't be encoded: %v", err)) // strings always can
		}
		return append(out, text...)
	}
}

// sqlClass is the class of an error as PostgreSQL's manual lists them, or empty
// if it does not come from the database.
func sqlClass(err error) string {
	if e, ok := errors.AsType[*pq.Error](err); ok {
		return string(e.Code.Class())
	}
	return ""
}

const (
	planChanged   = "0A000" // the result has another type than when the statement was prepared
	noStatement   = "26000" // there is no prepared statement of that name
	sameStatement = "42P05" // there is one already
)

// outdated reports whether a prepared statement does not fit any more: a table was
// changed, or a pooler has put another connection behind the one it was prepared on.
func outdated(err error) bool {
	e, ok := errors.AsType[*pq.Error](err)
	return ok && (e.Code == planChanged || e.Code == noStatement || e.Code == sameStatement)
}

func (*postgresDialect) mayPass(err error) bool {
	if outdated(err) {
		return true
	}
	switch sqlClass(err) {
	case "", "08", "25", "40", "53", "55", "57", "58", "XX": // connection, transaction, serialization, resources, locks, operator, system
		return true
	case "28", "3D", "3F", "42": // login, database, schema, table or permission
		return true
	default:
		return false
	}
}

func (*postgresDialect) refused(err error) bool {
	switch sqlClass(err) {
	case "22", "23", "54": // data, constraints, limits
		return true
	default:
		return false
	}
}
