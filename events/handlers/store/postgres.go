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

	"github.com/jackc/pgx/v5/pgconn"

	"wildix-worker/events/calls"
)

// A postgresDialect writes all rows with few statements, since each is a round trip.
// The driver prepares them once per connection.
type postgresDialect struct{}

// migrationLock is the number of the advisory lock for migrations of these tables.
const migrationLock = 7_301_150_918

func (*postgresDialect) migrations() (folder, lock string) {
	return "postgres", fmt.Sprintf("SELECT pg_advisory_xact_lock(%d)", migrationLock)
}

func (*postgresDialect) prepare(context.Context, *sql.DB) error { return nil }

const insertEvents = `INSERT INTO events (delivery_key, time, type, id, company, pbx, integration_id, raw)
	SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bytea[])
	ON CONFLICT DO NOTHING`

func (*postgresDialect) writeEvents(ctx context.Context, tx *sql.Tx, rows []*eventRow) error {
	var keys, types, ids, companies, pbxs, integrations []string
	var times []time.Time
	var raws [][]byte
	for _, r := range rows {
		keys, times, types = append(keys, r.key), append(times, r.time), append(types, r.eventType)
		ids, companies, pbxs = append(ids, r.id), append(companies, r.company), append(pbxs, r.pbx)
		integrations, raws = append(integrations, r.integration), append(raws, r.raw)
	}
	_, err := tx.ExecContext(ctx, insertEvents, keys, times, types, ids, companies, pbxs, integrations, raws)
	return err
}

// Rows of calls are sent as JSON objects, whose fields the database converts to the
// types of the columns. No statement joins the table: a plan that was made while
// the table was small would scan all of it later.
var (
	insertCalls = insertRows + `ON CONFLICT DO NOTHING RETURNING company, id`
	updateCalls = insertRows + `ON CONFLICT (company, id) DO UPDATE SET ` + assignments()
	lockCalls   = `SELECT known.company, known.id, known.facts
		FROM (SELECT company, id FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS u (company, id, n) ORDER BY n) AS wanted,
		LATERAL (SELECT company, id, facts FROM calls WHERE company = wanted.company AND id = wanted.id FOR UPDATE) AS known`
)

const insertRows = `INSERT INTO calls SELECT * FROM json_populate_recordset(NULL::calls, $1) ORDER BY company COLLATE "C", id COLLATE "C" `

// writeCalls inserts the calls that are new. It locks the others, in the order that
// all workers use, and then reads the facts to merge with, so that another worker
// waits and merges with the facts that this one wrote.
func (p *postgresDialect) writeCalls(ctx context.Context, tx *sql.Tx, batch []call) error {
	known, err := p.insertNew(ctx, tx, batch)
	if err != nil || len(known) == 0 {
		return err
	}
	changed, err := p.mergeKnown(ctx, tx, known)
	if err != nil || len(changed) == 0 {
		return err
	}
	_, err = tx.ExecContext(ctx, updateCalls, rowsOf(changed))
	return err
}

// insertNew inserts the calls that are new, and returns the others.
func (*postgresDialect) insertNew(ctx context.Context, tx *sql.Tx, batch []call) (known []call, err error) {
	rows, err := tx.QueryContext(ctx, insertCalls, rowsOf(batch))
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

// errDeleted is temporary: the next try, which the writer makes at once, inserts the call.
var errDeleted = errors.New("a call was deleted while it was written")

// mergeKnown locks the rows of calls, which exist, and returns the calls with facts that
// their row lacks.
func (*postgresDialect) mergeKnown(ctx context.Context, tx *sql.Tx, batch []call) (changed []call, err error) {
	var companies, ids []string
	byKey := make(map[calls.Key]call)
	for _, c := range batch {
		companies, ids = append(companies, c.key.Company), append(ids, c.key.ID)
		byKey[c.key] = c
	}
	rows, err := tx.QueryContext(ctx, lockCalls, companies, ids)
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

// rowsOf returns the calls as a JSON array of objects.
func rowsOf(batch []call) string {
	out := []byte{'['}
	for i, c := range batch {
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

// columnNames are the texts before the value of each column.
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

func (*postgresDialect) numbered(statement string) string { return statement }

func (*postgresDialect) millis(column string) string {
	return fmt.Sprintf(`to_char(%s AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`, column)
}

func (*postgresDialect) contains(column, text string) string {
	return fmt.Sprintf("position('%s'::bytea IN %s) > 0", text, column)
}

// sqlState returns the error's SQLSTATE, or "" if it does not come from the server.
func sqlState(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// sqlClass returns the first two characters of the error's SQLSTATE, the class in
// PostgreSQL's list of error codes.
func sqlClass(err error) string {
	state := sqlState(err)
	return state[:min(2, len(state))]
}

// SQLSTATEs.
const (
	planChanged   = "0A000" // the statement's result type has changed since it was prepared
	noStatement   = "26000" // no prepared statement has this name
	sameStatement = "42P05" // a prepared statement has this name already
	noTable       = "42P01"
)

// stale errors occur when a table was changed, or when a pooler uses another server
// connection than the one a statement was prepared on. By itself, the driver would prepare
// only one statement again in each transaction.
func (*postgresDialect) stale(err error) bool {
	switch sqlState(err) {
	case planChanged, noStatement, sameStatement:
		return true
	default:
		return false
	}
}

func (p *postgresDialect) temporary(err error) bool {
	if p.stale(err) || isConnectError(err) {
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
	if isConnectError(err) { // such as 22023, for a parameter of the URL
		return false
	}
	switch sqlClass(err) {
	case "22", "23", "54": // data, constraints, limits
		return true
	default:
		return false
	}
}

func (p *postgresDialect) redacted(err error) error {
	switch state := sqlState(err); {
	case state == noStatement, state == sameStatement:
		return fmt.Errorf("%w; a pooler such as PgBouncer must keep prepared statements (max_prepared_statements, from version 1.21 on) or be in session mode, or the URL must have default_query_exec_mode=exec", err)
	case isConnectError(err) && clearTextRefused(err):
		return fmt.Errorf("%s: %w", clearTextAdvice, oneLineError{err})
	case isConnectError(err):
		return oneLineError{err}
	case !p.temporary(err):
		return fmt.Errorf("the database refuses a row: SQLSTATE %s", state)
	default:
		return err
	}
}

func isConnectError(err error) bool {
	_, ok := errors.AsType[*pgconn.ConnectError](err)
	return ok
}

// A oneLineError is an error with a line for each try to connect, in one line.
type oneLineError struct{ error }

func (e oneLineError) Error() string {
	return strings.ReplaceAll(strings.ReplaceAll(e.error.Error(), ":\n\t", ": "), "\n\t", "; ")
}

func (e oneLineError) Unwrap() error { return e.error }

func (*postgresDialect) unusable(error) bool { return false } // a login or a name may be created yet

func (*postgresDialect) opening(error) bool { return false }

func (*postgresDialect) remedy(err error) string {
	switch sqlState(err) {
	case "28P01", "28000":
		return "; check user and password in the URL, or PGUSER and PGPASSWORD, and pg_hba.conf on the server"
	case "25006":
		return "; connect to the primary server, since this one is a copy that is only read"
	case "3D000":
		return "; create the database, or correct its name in the URL"
	case "42501":
		return "; grant the user CREATE on the schema, and SELECT, INSERT, UPDATE and DELETE on its tables"
	}
	if isConnectError(err) && sqlState(err) == "" {
		return "; check host, port and sslmode in the URL, whether the server runs, and whether a firewall lets this machine connect"
	}
	return ""
}

func (*postgresDialect) noTables(err error) error {
	if sqlState(err) == noTable {
		return fmt.Errorf("%w: %w", errNoTables, err)
	}
	return err
}
