package main

import (
	"context"
	"crypto/rand"
	"os"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/rogpeppe/go-internal/testscript"
)

// tablesVariable names a DynamoDB that the tests may make tables in.
const tablesVariable = "DYNAMODB_ENDPOINT"

// newTable makes a table with a partition key.
func newTable(ctx context.Context, endpoint, key string) (name string, remove func() error, err error) {
	client := dynamodb.New(dynamodb.Options{
		Region:       "us-east-1",
		BaseEndpoint: &endpoint,
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	name = "test-" + rand.Text()
	_, err = client.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName:            &name,
		BillingMode:          types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: &key, AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: &key, KeyType: types.KeyTypeHash}},
	})
	return name, func() error {
		_, err := client.DeleteTable(context.WithoutCancel(ctx), &dynamodb.DeleteTableInput{TableName: &name})
		return err
	}, err
}

// table VARIABLE KEY makes a DynamoDB table with this partition key, and has the
// variable name it.
func table(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: table VARIABLE KEY")
	}
	name, remove, err := newTable(context.Background(), os.Getenv(tablesVariable), args[1])
	ts.Check(err)
	ts.Defer(func() { ts.Check(remove()) })
	ts.Setenv(args[0], name)
}

// newOnceTable makes a table such as the README's.
func newOnceTable(t *testing.T) string {
	t.Helper()
	name, remove, err := newTable(t.Context(), os.Getenv(tablesVariable), "key")
	fatal(t, err)
	t.Cleanup(func() { fatal(t, remove()) })
	return name
}
