// Package dynamo keeps the memory of package once in a DynamoDB table, so that
// several workers have it in common and it outlives them:
//
//	remember, err := once.New(once.Config{
//		Name:   "crm",
//		Shared: dynamo.New(dynamodb.NewFromConfig(awsConfig).PutItem, "wildix-once"),
//	})
//
// # The table
//
// Its partition key is the String "key", it has no sort key, and its TTL
// attribute is "expires". DynamoDB deletes expired items days late; until then
// they count as absent all the same. An item takes less than 250 bytes: the
// handler's name, the event's DeliveryKey, and some numbers. There is nothing of
// the call in it.
//
// The only permission that is needed is dynamodb:PutItem on the table. An event
// takes two writes of one unit for each handler: one before, one after it. A
// repeat takes one.
//
// # Clocks
//
// A lease ends by the clock of whoever looks at it. As long as the workers'
// clocks differ by less than the margin that package once allows for, no lease
// is taken over from a handler that is still at work.
//
// # The client
//
// Package once waits two seconds for an answer. So the client repeats a request
// after a fifth of a second, instead of the SDK's longer pauses; how often stays
// its own affair. Give its HTTP client a timeout of less than a second, so that
// a connection that has silently gone does not use up the two.
package dynamo

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"wildix-worker/events/once"
)

// PutItem is all that a memory calls of DynamoDB: a [dynamodb.Client]'s method of
// that name. It is not an interface, since behind one the linker keeps every method
// of the client, which are 2 MB of a program.
type PutItem func(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)

// The attributes of an item. One that is done has neither lease nor owner.
const (
	attrKey     = "key"
	attrLease   = "lease" // when it ends, in Unix milliseconds
	attrOwner   = "owner"
	attrExpires = "expires" // in Unix seconds, as DynamoDB wants it
)

// undoneTime is how long an item is kept whose event was never done.
const undoneTime = 24 * time.Hour

// retryPause is what a client waits before it repeats a request, at most.
const retryPause = 200 * time.Millisecond

// quickly applies to every request.
func quickly(o *dynamodb.Options) { o.Retryer = retry.AddWithMaxBackoffDelay(o.Retryer, retryPause) }

// A Store is a table. It implements [once.Store].
type Store struct {
	put   PutItem
	table string
}

// New returns the memory in a table. It makes no request.
func New(put PutItem, table string) *Store { return &Store{put, table} }

// Begin puts the claim if there is no item that stands against it.
func (m *Store) Begin(ctx context.Context, key once.Key, owner uint64, lease time.Duration) (once.Answer, error) {
	now := time.Now()
	_, err := m.put(ctx, &dynamodb.PutItemInput{
		TableName:                &m.table,
		Item:                     undone(key, owner, now.Add(lease)),
		ConditionExpression:      aws.String("attribute_not_exists(#key) OR #expires <= :seconds OR #lease <= :millis OR #owner = :owner"),
		ExpressionAttributeNames: map[string]string{"#key": attrKey, "#expires": attrExpires, "#lease": attrLease, "#owner": attrOwner},
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":seconds": number(now.Unix()), ":millis": number(now.UnixMilli()), ":owner": ownerOf(owner),
		},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}, quickly)
	refused, ok := errors.AsType[*types.ConditionalCheckFailedException](err)
	switch {
	case err == nil:
		return once.Answer{State: once.Begun}, nil
	case ok:
		return m.answer(refused.Item, now)
	default:
		return once.Answer{}, m.failed(err)
	}
}

// answer tells what the item says that stands against a claim.
func (m *Store) answer(item map[string]types.AttributeValue, now time.Time) (once.Answer, error) {
	if item[attrKey] == nil { // an old server, or a proxy in between
		return once.Answer{}, fmt.Errorf("DynamoDB table %s: refused without the item that stands against it", m.table)
	}
	if item[attrLease] == nil {
		return once.Answer{State: once.Done}, nil
	}
	lease, _ := item[attrLease].(*types.AttributeValueMemberN)
	if lease == nil {
		return once.Answer{}, fmt.Errorf("DynamoDB table %s: an item whose lease is not a number", m.table)
	}
	millis, err := strconv.ParseInt(lease.Value, 10, 64)
	if err != nil {
		return once.Answer{}, fmt.Errorf("DynamoDB table %s: an item whose lease is not whole milliseconds", m.table)
	}
	return once.Answer{State: once.InProgress, Wait: max(time.UnixMilli(millis).Sub(now), 0)}, nil
}

// Done puts an item without a lease over what there is.
func (m *Store) Done(ctx context.Context, key once.Key, keep time.Duration) error {
	_, err := m.put(ctx, &dynamodb.PutItemInput{
		TableName: &m.table,
		Item: map[string]types.AttributeValue{
			attrKey:     text(key.String()),
			attrExpires: number(time.Now().Add(keep).Unix() + 1), // rounded up
		},
	}, quickly)
	return m.failed(err)
}

// Release puts a lease that has ended over the owner's. It needs no permission
// to delete.
func (m *Store) Release(ctx context.Context, key once.Key, owner uint64) error {
	_, err := m.put(ctx, &dynamodb.PutItemInput{
		TableName:                 &m.table,
		Item:                      undone(key, owner, time.UnixMilli(0)),
		ConditionExpression:       aws.String("#owner = :owner"),
		ExpressionAttributeNames:  map[string]string{"#owner": attrOwner},
		ExpressionAttributeValues: map[string]types.AttributeValue{":owner": ownerOf(owner)},
	}, quickly)
	if _, another := errors.AsType[*types.ConditionalCheckFailedException](err); another {
		return nil
	}
	return m.failed(err)
}

// Check reports whether the table can be used, with a write whose condition
// can't be met: it needs no permission but that to write, and writes nothing.
func (m *Store) Check(ctx context.Context) error {
	_, err := m.put(ctx, &dynamodb.PutItemInput{
		TableName:                &m.table,
		Item:                     map[string]types.AttributeValue{attrKey: text("check")},
		ConditionExpression:      aws.String("attribute_exists(#key) AND attribute_not_exists(#key)"),
		ExpressionAttributeNames: map[string]string{"#key": attrKey},
	}, quickly)
	if _, refused := errors.AsType[*types.ConditionalCheckFailedException](err); refused {
		return nil
	}
	if err == nil {
		return fmt.Errorf("DynamoDB table %s: takes what should be refused; it is not DynamoDB", m.table)
	}
	return m.failed(err)
}

// failed says of which table an error is.
func (m *Store) failed(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("DynamoDB table %s: %w", m.table, err)
}

func undone(key once.Key, owner uint64, lease time.Time) map[string]types.AttributeValue {
	kept := lease
	if now := time.Now(); kept.Before(now) {
		kept = now
	}
	return map[string]types.AttributeValue{
		attrKey:     text(key.String()),
		attrOwner:   ownerOf(owner),
		attrLease:   number(lease.UnixMilli()),
		attrExpires: number(kept.Add(undoneTime).Unix()),
	}
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

func ownerOf(owner uint64) types.AttributeValue { return text(strconv.FormatUint(owner, 36)) }
