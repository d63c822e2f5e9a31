package check

import (
	"context"
	"fmt"

	"wildix-worker/cmd/wildix-worker/internal/awsclient"
	"wildix-worker/cmd/wildix-worker/internal/oncetable"
	"wildix-worker/cmd/wildix-worker/internal/term"
)

func checkOnceTable(ctx context.Context, i *inspection) finding {
	name := i.settings.OnceTable
	if name == "" || oncetable.CheckName(name) != nil {
		return finding{}
	}
	table, err := oncetable.Open(ctx, name, i.cfg.QueueURL)
	if err == nil {
		err = table.Check(ctx)
	}
	switch {
	case err == nil:
		return ok("writable")
	case oncetable.Explain(name, err) != nil:
		return problem(oncetable.Explain(name, err).Error(), "")
	case awsclient.ErrorCode(err) != "":
		return warning("not known", fmt.Sprintf("DynamoDB answers %s, which may be temporary; check again", awsclient.ErrorCode(err)))
	default:
		return problem(fmt.Sprintf("DynamoDB can't be reached (%v)", term.RootCause(err)),
			"check the network, security groups, a VPC endpoint, HTTPS_PROXY and AWS_ENDPOINT_URL_DYNAMODB")
	}
}
