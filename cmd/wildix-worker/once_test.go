package main

import (
	"crypto/rand"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"wildix-worker/events/once"
)

// The README's table, on the server of DYNAMODB_ENDPOINT.
func TestOnceTable(t *testing.T) {
	endpoint := os.Getenv("DYNAMODB_ENDPOINT")
	if endpoint == "" {
		t.Skip("DYNAMODB_ENDPOINT names no DynamoDB; make test-all starts one")
	}
	for name, value := range map[string]string{
		"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_ENDPOINT_URL_DYNAMODB": endpoint,
	} {
		t.Setenv(name, value)
	}
	cfg, err := loadAWS(t.Context(), "", "the test")
	fatal(t, err)
	client := dynamodb.NewFromConfig(cfg)
	table := "once-" + rand.Text()
	_, err = client.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName:            &table,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("key"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("key"), KeyType: types.KeyTypeHash}},
		BillingMode:          types.BillingModePayPerRequest,
	})
	fatal(t, err)

	settings := onceSettings{OnceTable: table}
	memory, err := settings.memory(t.Context(), zap.NewNop())
	fatal(t, err)
	if state, _, err := memory.Begin(t.Context(), "1", "a", 0); err != nil || state != once.StateNew {
		t.Errorf("state %d, error %v", state, err)
	}
	settings.OnceTable = "arn:aws:dynamodb:eu-west-1:123456789012:table/" + table // another region
	_, err = settings.memory(t.Context(), zap.NewNop())
	if err == nil || !strings.Contains(err.Error(), "does not exist; compare --once-table (WILDIX_ONCE_TABLE) with the DynamoDB console") {
		t.Errorf("a missing table: %v", err)
	}
}

func TestTableThatDoesNotAnswerIsWaitedFor(t *testing.T) {
	for name, value := range map[string]string{
		"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
		"AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:1", "AWS_MAX_ATTEMPTS": "1",
	} {
		t.Setenv(name, value)
	}
	core, logs := observer.New(zap.WarnLevel)
	settings := onceSettings{OnceTable: "wildix-once"}
	memory, err := settings.memory(t.Context(), zap.New(core))
	if memory == nil || err != nil {
		t.Errorf("memory %v, error %v", memory, err)
	}
	if logs.FilterMessage("table of what is done does not answer").Len() != 1 {
		t.Errorf("logged %v", logs.All())
	}
}
