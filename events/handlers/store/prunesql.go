package store

func (*sqliteDialect) pruneStatements() pruneStatements {
	const keys = `SELECT value->>0, value->>1 FROM json_each`
	return pruneStatements{
		deleteCalls:  `DELETE FROM calls WHERE (company, id) IN (` + keys + `($1))`,
		deleteEvents: `DELETE FROM events WHERE delivery_key IN (SELECT value FROM json_each($1))`,
		keptCalls:    `SELECT company, id FROM calls WHERE %s AND (company, id) IN (` + keys + `($%d))`,
	}
}

func (*postgresDialect) pruneStatements() pruneStatements {
	// The limits keep the planner from scanning the tables. The rows to delete are locked, so
	// that they stay where they are.
	return pruneStatements{
		lock: ` FOR UPDATE SKIP LOCKED`,
		deleteCalls: `DELETE FROM calls WHERE ctid = ANY(ARRAY(SELECT place FROM json_array_elements($1::json) AS key,
			LATERAL (SELECT ctid AS place FROM calls WHERE company = key->>0 AND id = key->>1 LIMIT 1) AS found))`,
		deleteEvents: `DELETE FROM events WHERE ctid = ANY(ARRAY(SELECT place FROM json_array_elements_text($1::json) AS key,
			LATERAL (SELECT ctid AS place FROM events WHERE delivery_key = key LIMIT 1) AS found))`,
		keptCalls: `SELECT found.company, found.id FROM json_array_elements($%[2]d::json) AS key,
			LATERAL (SELECT company, id FROM calls WHERE company = key->>0 AND id = key->>1 AND %[1]s LIMIT 1) AS found`,
	}
}
