// Package dynamo is a store for package once in a DynamoDB table, which several workers
// share and which outlives them:
//
//	remember, err := once.New(once.Config{
//		Name:   "crm",
//		Shared: dynamo.New(dynamodb.NewFromConfig(awsConfig), "wildix-once"),
//	})
//
// # The table
//
// Its partition key is the String "key". It has no sort key, and its TTL attribute is
// "expires". DynamoDB deletes expired items days late; until then they count as absent.
// An item takes less than 250 bytes: the handler's name, the event's DeliveryKey, and
// some numbers. It has no data of the call.
//
// The only permission needed is dynamodb:PutItem on the table. An event takes two writes
// of one unit for each handler, one before and one after it. A repeat takes one.
//
// # Clocks
//
// Each worker compares leases with its own clock. While the clocks differ by less than the
// ten seconds that package once allows for, no worker takes over the lease of a handler
// that still runs.
//
// # The client
//
// Package once waits two seconds for an answer, so a Store limits the pause before a
// client repeats a request to 200 ms. The number of tries is the client's own. Give its
// HTTP client a timeout of less than a second, so that a dead connection does not use up
// the two seconds.
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

// Client is the part of a [dynamodb.Client] that a Store calls.
type Client interface {
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
}

// The attributes of an item. The item of a done event has neither lease nor owner.
const (
	attrKey     = "key"
	attrLease   = "lease" // its end, in Unix milliseconds
	attrOwner   = "owner"
	attrExpires = "expires" // in Unix seconds, as DynamoDB requires
)

// leaseExpiry is how long an item is kept after its lease has ended.
const leaseExpiry = 24 * time.Hour

// maxBackoff is the longest pause before a client repeats a request.
const maxBackoff = 200 * time.Millisecond

func limitBackoff(o *dynamodb.Options) {
	o.Retryer = retry.AddWithMaxBackoffDelay(o.Retryer, maxBackoff)
}

// A Store is a table. It implements [once.Store].
type Store struct {
	client Client
	table  string
}

// New returns the store in a table. It makes no request.
func New(client Client, table string) *Store { return &Store{client, table} }

// Begin writes the lease, on condition that the event is neither done nor leased to
// another owner.
func (s *Store) Begin(ctx context.Context, key once.Key, owner uint64, lease time.Duration) (once.Claim, error) {
	now := time.Now()
	_, err := s.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName:                &s.table,
		Item:                     leaseItem(key, owner, now.Add(lease)),
		ConditionExpression:      aws.String("attribute_not_exists(#key) OR #expires <= :seconds OR #lease <= :millis OR #owner = :owner"),
		ExpressionAttributeNames: map[string]string{"#key": attrKey, "#expires": attrExpires, "#lease": attrLease, "#owner": attrOwner},
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":seconds": number(now.Unix()), ":millis": number(now.UnixMilli()), ":owner": ownerOf(owner),
		},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}, limitBackoff)
	conflict, ok := errors.AsType[*types.ConditionalCheckFailedException](err)
	switch {
	case err == nil:
		return once.Claim{State: once.Begun}, nil
	case ok:
		return s.refusal(conflict.Item, now)
	default:
		return once.Claim{}, s.wrap(err)
	}
}

// refusal returns the claim for an item that made Begin's condition fail.
func (s *Store) refusal(item map[string]types.AttributeValue, now time.Time) (once.Claim, error) {
	if item[attrKey] == nil { // an old server, or a proxy in between
		return once.Claim{}, fmt.Errorf("DynamoDB table %s: condition failed, but the answer has no item", s.table)
	}
	if item[attrLease] == nil {
		return once.Claim{State: once.Done}, nil
	}
	lease, _ := item[attrLease].(*types.AttributeValueMemberN)
	if lease == nil {
		return once.Claim{}, fmt.Errorf("DynamoDB table %s: an item's lease is not a number", s.table)
	}
	millis, err := strconv.ParseInt(lease.Value, 10, 64)
	if err != nil {
		return once.Claim{}, fmt.Errorf("DynamoDB table %s: an item's lease is not in whole milliseconds", s.table)
	}
	return once.Claim{State: once.InProgress, Wait: max(time.UnixMilli(millis).Sub(now), 0)}, nil
}

// Done writes an item without a lease, whatever the item was before.
func (s *Store) Done(ctx context.Context, key once.Key, keep time.Duration) error {
	_, err := s.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &s.table,
		Item: map[string]types.AttributeValue{
			attrKey:     text(key.String()),
			attrExpires: number(time.Now().Add(keep).Unix() + 1), // rounded up
		},
	}, limitBackoff)
	return s.wrap(err)
}

// Release writes a lease that has ended, on condition that the owner has the lease. So
// it needs no permission to delete.
func (s *Store) Release(ctx context.Context, key once.Key, owner uint64) error {
	_, err := s.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName:                 &s.table,
		Item:                      leaseItem(key, owner, time.UnixMilli(0)),
		ConditionExpression:       aws.String("#owner = :owner"),
		ExpressionAttributeNames:  map[string]string{"#owner": attrOwner},
		ExpressionAttributeValues: map[string]types.AttributeValue{":owner": ownerOf(owner)},
	}, limitBackoff)
	if _, notOwner := errors.AsType[*types.ConditionalCheckFailedException](err); notOwner {
		return nil
	}
	return s.wrap(err)
}

// Check returns an error if the table can't be used. It writes nothing: it sends a write
// whose condition is never true, which needs only the permission to write.
func (s *Store) Check(ctx context.Context) error {
	_, err := s.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName:                &s.table,
		Item:                     map[string]types.AttributeValue{attrKey: text("check")},
		ConditionExpression:      aws.String("attribute_exists(#key) AND attribute_not_exists(#key)"),
		ExpressionAttributeNames: map[string]string{"#key": attrKey},
	}, limitBackoff)
	if _, refused := errors.AsType[*types.ConditionalCheckFailedException](err); refused {
		return nil
	}
	if err == nil {
		return fmt.Errorf("DynamoDB table %s: the server ignores conditions, so it is not DynamoDB", s.table)
	}
	return s.wrap(err)
}

// wrap adds the table to an error.
func (s *Store) wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("DynamoDB table %s: %w", s.table, err)
}

// leaseItem returns the item of an event that is in progress until the lease ends.
func leaseItem(key once.Key, owner uint64, ends time.Time) map[string]types.AttributeValue {
	expires := ends
	if now := time.Now(); expires.Before(now) {
		expires = now
	}
	return map[string]types.AttributeValue{
		attrKey:     text(key.String()),
		attrOwner:   ownerOf(owner),
		attrLease:   number(ends.UnixMilli()),
		attrExpires: number(expires.Add(leaseExpiry).Unix()),
	}
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

func ownerOf(owner uint64) types.AttributeValue { return text(strconv.FormatUint(owner, 36)) }
