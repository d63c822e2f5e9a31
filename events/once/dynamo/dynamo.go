// Package dynamo keeps the memory of package once in a DynamoDB table, for all
// workers that use it.
//
// The table has a partition key named "key", of type String, and no sort key; let
// its attribute "expires" be the time to live:
//
//	aws dynamodb create-table --table-name wildix-once \
//	    --attribute-definitions AttributeName=key,AttributeType=S \
//	    --key-schema AttributeName=key,KeyType=HASH --billing-mode PAY_PER_REQUEST
//	aws dynamodb update-time-to-live --table-name wildix-once \
//	    --time-to-live-specification Enabled=true,AttributeName=expires
//
// The one permission needed is dynamodb:PutItem on the table. Each handler of an
// event costs two writes of less than 1 KB; a repeat costs one.
//
// DynamoDB deletes what has expired hours or days later; until then it is taken for
// deleted.
package dynamo

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"wildix-worker/events/once"
)

// DefaultWindow outlasts the 14 days that SQS keeps a message: one that comes back
// from a dead-letter queue is still known.
const DefaultWindow = 15 * 24 * time.Hour

// callTimeout limits a call, the SDK's retries included.
const callTimeout = 3 * time.Second

// DynamoDB is what a Memory calls of DynamoDB; *dynamodb.Client has it.
type DynamoDB interface {
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
}

// A Memory is a once.Memory in a table.
type Memory struct {
	client DynamoDB
	table  string
	window time.Duration
}

var _ once.Memory = (*Memory)(nil)

// New returns a memory in the table, which keeps what is done for the window; zero
// stands for DefaultWindow.
func New(client DynamoDB, table string, window time.Duration) *Memory {
	if window <= 0 {
		window = DefaultWindow
	}
	return &Memory{client: client, table: table, window: window}
}

// The attributes of an item. An item without a lease is done.
const (
	keyName     = "key"
	ownerName   = "owner"
	leaseName   = "lease"   // until when, in Unix milliseconds
	expiresName = "expires" // in Unix seconds
)

// Conditions on the item that is there.
var (
	// absent, expired, or taken with a lease that has ended
	isFree = aws.String("attribute_not_exists(#key) OR #expires < :seconds OR #lease < :millis")
	isOurs = aws.String("#owner = :owner")
	// never, and found out after the permission and the table
	isImpossible = aws.String("attribute_exists(#key) AND attribute_not_exists(#key)")
)

// Begin is once.Memory's Begin.
func (m *Memory) Begin(ctx context.Context, key, owner string, lease time.Duration) (once.State, time.Time, error) {
	now := time.Now()
	err := m.put(ctx, &dynamodb.PutItemInput{
		TableName: &m.table,
		Item:      m.item(key, owner, now.Add(lease)),

		ConditionExpression:      isFree,
		ExpressionAttributeNames: map[string]string{"#key": keyName, "#expires": expiresName, "#lease": leaseName},
		ExpressionAttributeValues: attributes{
			":seconds": number(now.Unix()), ":millis": number(now.UnixMilli()),
		},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	taken, isTaken := errors.AsType[*types.ConditionalCheckFailedException](err)
	switch {
	case isTaken:
		return stateOf(taken.Item)
	case err != nil:
		return 0, time.Time{}, err
	default:
		return once.StateNew, time.Time{}, nil
	}
}

// Complete is once.Memory's Complete.
func (m *Memory) Complete(ctx context.Context, key string) error {
	item := m.item(key, "", time.Time{})
	delete(item, ownerName)
	delete(item, leaseName)
	return m.put(ctx, &dynamodb.PutItemInput{TableName: &m.table, Item: item})
}

// Release is once.Memory's Release. It leaves a lease that has ended.
func (m *Memory) Release(ctx context.Context, key, owner string) error {
	return m.putIf(ctx, m.item(key, owner, time.Unix(0, 0)), isOurs, &dynamodb.PutItemInput{
		ExpressionAttributeNames:  map[string]string{"#owner": ownerName},
		ExpressionAttributeValues: attributes{":owner": text(owner)},
	})
}

// Check asks, without a change, whether the table can be used.
func (m *Memory) Check(ctx context.Context) error {
	return m.putIf(ctx, m.item("check", "", time.Unix(0, 0)), isImpossible, &dynamodb.PutItemInput{
		ExpressionAttributeNames: map[string]string{"#key": keyName},
	})
}

func (m *Memory) put(ctx context.Context, in *dynamodb.PutItemInput) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err := m.client.PutItem(ctx, in)
	return err
}

// putIf puts an item if the condition holds. That it does not is no error.
func (m *Memory) putIf(ctx context.Context, item attributes, condition *string, in *dynamodb.PutItemInput) error {
	in.TableName, in.Item, in.ConditionExpression = &m.table, item, condition
	err := m.put(ctx, in)
	if _, fails := errors.AsType[*types.ConditionalCheckFailedException](err); fails {
		return nil
	}
	return err
}

type attributes = map[string]types.AttributeValue

func (m *Memory) item(key, owner string, lease time.Time) attributes {
	return attributes{
		keyName: text(key), ownerName: text(owner), leaseName: number(lease.UnixMilli()),
		expiresName: number(time.Now().Add(m.window).Unix()),
	}
}

// stateOf reads the item that was in the way.
func stateOf(item attributes) (once.State, time.Time, error) {
	lease, taken := item[leaseName]
	if !taken && len(item) > 0 {
		return once.StateDone, time.Time{}, nil
	}
	digits, ok := lease.(*types.AttributeValueMemberN)
	if !ok {
		return 0, time.Time{}, errors.New("the table answers without the item that is there")
	}
	millis, err := strconv.ParseInt(digits.Value, 10, 64)
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("attribute %s: %w", leaseName, err)
	}
	return once.StateInProgress, time.UnixMilli(millis), nil
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}
