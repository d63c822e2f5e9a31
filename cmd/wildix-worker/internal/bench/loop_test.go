package bench_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// runLoop is the simplest consumer, with the SDK's defaults: eight pollers, each of which
// handles the messages of a receive one by one and deletes them in one call. It writes one line
// an event to standard output, as the program does.
func runLoop() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	client, url := sqs.NewFromConfig(cfg), os.Getenv("WILDIX_QUEUE_URL")
	log := zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.Lock(os.Stdout), zap.InfoLevel))
	var pollers sync.WaitGroup
	for range 8 {
		pollers.Go(func() {
			for ctx.Err() == nil {
				if err := loopOnce(ctx, client, url, log); err != nil && ctx.Err() == nil {
					fmt.Fprintln(os.Stderr, "loop:", err)
					time.Sleep(time.Second)
				}
			}
		})
	}
	pollers.Wait()
	return nil
}

func loopOnce(ctx context.Context, client *sqs.Client, url string, log *zap.Logger) error {
	received, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl:              &url,
		MaxNumberOfMessages:   10,
		WaitTimeSeconds:       20,
		MessageAttributeNames: []string{"X-SIGNATURE"},
	})
	if err != nil || len(received.Messages) == 0 {
		return err
	}
	deletes := &sqs.DeleteMessageBatchInput{QueueUrl: &url}
	for i, msg := range received.Messages {
		if err := loopHandle(msg, log); err != nil {
			fmt.Fprintln(os.Stderr, "loop:", err)
			continue
		}
		deletes.Entries = append(deletes.Entries, types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: msg.ReceiptHandle})
	}
	_, err = client.DeleteMessageBatch(ctx, deletes)
	return err
}

func loopHandle(msg types.Message, log *zap.Logger) error {
	body := []byte(*msg.Body)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	given, err := hex.DecodeString(aws.ToString(msg.MessageAttributes["X-SIGNATURE"].StringValue))
	if err != nil || !hmac.Equal(given, mac.Sum(nil)) {
		return fmt.Errorf("bad signature on %s", *msg.MessageId)
	}
	var event struct {
		ID, Type, Company, PBX, IntegrationID string
		Time                                  int64
		Data                                  struct {
			Caller, Callee struct{ Phone string }
		}
	}
	if err := json.Unmarshal(body, &event); err != nil {
		return err
	}
	log.Info("event",
		zap.Time("time", time.UnixMilli(event.Time).UTC()), zap.String("id", event.ID), zap.String("type", event.Type),
		zap.String("company", event.Company), zap.String("pbx", event.PBX), zap.String("integrationId", event.IntegrationID),
		zap.String("caller", event.Data.Caller.Phone), zap.String("callee", event.Data.Callee.Phone))
	return nil
}
