package check

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"wildix-worker/cmd/wildix-worker/internal/awsclient"
	"wildix-worker/cmd/wildix-worker/internal/awstest"
	"wildix-worker/cmd/wildix-worker/internal/oncetable"
	"wildix-worker/events/once"
)

// Moto can enforce IAM policies. For a batch call it requires an action with the call's name,
// unlike AWS.
var permissions = map[string][]string{
	"GetQueueAttributes":      {"sqs:GetQueueAttributes"},
	"ReceiveMessage":          {"sqs:ReceiveMessage"},
	"DeleteMessage":           {"sqs:DeleteMessage", "sqs:DeleteMessageBatch"},
	"ChangeMessageVisibility": {"sqs:ChangeMessageVisibility", "sqs:ChangeMessageVisibilityBatch"},
}

func TestCheckNamesTheMissingPermission(t *testing.T) {
	endpoint, ok := awstest.Servers()["moto"]
	if !ok {
		t.Skip("moto is not among CHECK_SERVERS")
	}
	for _, lacking := range []string{"nothing", "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility"} {
		t.Run(lacking, func(t *testing.T) {
			awstest.StartLocal(t) // for the environment
			_, queueURL := awstest.NewQueue(t, endpoint, "")
			become(t, endpoint, "worker-without-"+lacking, allBut(lacking))
			all := findings(t, queueURL, awsclient.Timeout)
			for permission := range permissions {
				want := statusOK
				if permission == lacking {
					want = statusProblem
				}
				if f := all[permission]; f.status != want {
					t.Errorf("%s: %s %s %s", permission, f.status, f.text, f.advice)
				}
			}
		})
	}
}

// allBut returns the actions that a worker needs, except one.
func allBut(lacking string) (allowed []string) {
	for permission, actions := range permissions {
		if permission != lacking {
			allowed = slices.Concat(allowed, actions)
		}
	}
	return allowed
}

func TestCheckAndUseOfTheTableNeedOnlyPutItem(t *testing.T) {
	endpoint, ok := awstest.Servers()["moto"]
	if !ok {
		t.Skip("moto is not among CHECK_SERVERS")
	}
	awstest.StartLocal(t) // for the environment
	t.Setenv("AWS_ENDPOINT_URL_DYNAMODB", endpoint)
	name, remove, err := awstest.NewTable(t.Context(), endpoint, "key")
	awstest.Fatal(t, err)
	t.Cleanup(func() { awstest.Fatal(t, remove()) })
	t.Run("without", func(t *testing.T) {
		become(t, endpoint, "worker-without-table", []string{"dynamodb:GetItem"})
		err := useTable(t, name)
		// Moto's response is not the same as DynamoDB's.
		if reason := oncetable.Explain(name, err); reason == nil || !strings.Contains(reason.Error(), "the worker needs dynamodb:PutItem on it (AWS says ") {
			t.Errorf("%v", err)
		}
	})
	t.Run("with", func(t *testing.T) {
		become(t, endpoint, "worker-with-table", []string{"dynamodb:PutItem"})
		awstest.Fatal(t, useTable(t, name))
	})
}

// useTable sends each kind of request that a worker sends to a table.
func useTable(t *testing.T, name string) error {
	ctx, key := t.Context(), once.Key{Handler: "log"}
	table, err := oncetable.Open(ctx, name, "")
	awstest.Fatal(t, err)
	if err := table.Check(ctx); err != nil {
		return err
	}
	_, err = table.Begin(ctx, key, 1, time.Hour)
	return errors.Join(err, table.Release(ctx, key, 1), table.Done(ctx, key, time.Hour))
}

// become creates a user with these permissions, sets its credentials, and switches the
// enforcement of policies on.
func become(t *testing.T, endpoint, user string, allowed []string) {
	t.Helper()
	policy, err := json.Marshal(map[string]any{
		"Version":   "2012-10-17",
		"Statement": []any{map[string]any{"Effect": "Allow", "Action": allowed, "Resource": "*"}},
	})
	awstest.Fatal(t, err)
	iam(t, endpoint, "CreateUser", url.Values{"UserName": {user}})
	iam(t, endpoint, "PutUserPolicy", url.Values{"UserName": {user}, "PolicyName": {"worker"}, "PolicyDocument": {string(policy)}})
	key := iam(t, endpoint, "CreateAccessKey", url.Values{"UserName": {user}})
	t.Cleanup(func() {
		iam(t, endpoint, "DeleteAccessKey", url.Values{"UserName": {user}, "AccessKeyId": {key.ID}})
		iam(t, endpoint, "DeleteUserPolicy", url.Values{"UserName": {user}, "PolicyName": {"worker"}})
		iam(t, endpoint, "DeleteUser", url.Values{"UserName": {user}})
	})
	t.Setenv("AWS_ACCESS_KEY_ID", key.ID)
	t.Setenv("AWS_SECRET_ACCESS_KEY", key.Secret)
	t.Cleanup(func() { enforce(t, endpoint, false) }) // runs before the other clean-ups
	enforce(t, endpoint, true)
}

type accessKey struct {
	ID     string `xml:"CreateAccessKeyResult>AccessKey>AccessKeyId"`
	Secret string `xml:"CreateAccessKeyResult>AccessKey>SecretAccessKey"`
}

// iam calls an action of moto's IAM. Moto gets the service from the scope of the credentials.
func iam(t *testing.T, endpoint, action string, parameters url.Values) (key accessKey) {
	t.Helper()
	parameters.Set("Action", action)
	request, err := http.NewRequest(http.MethodPost, endpoint+"/", strings.NewReader(parameters.Encode()))
	awstest.Fatal(t, err)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=0")
	response, err := http.DefaultClient.Do(request)
	awstest.Fatal(t, err)
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", action, response.Status)
	}
	awstest.Fatal(t, xml.NewDecoder(response.Body).Decode(&key))
	return key
}

// enforce switches the enforcement of policies in moto on or off.
func enforce(t *testing.T, endpoint string, on bool) {
	t.Helper()
	unchecked := "inf"
	if on {
		unchecked = "0"
	}
	response, err := http.Post(endpoint+"/moto-api/reset-auth", "text/plain", strings.NewReader(unchecked))
	awstest.Fatal(t, err)
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("reset-auth: %s", response.Status)
	}
}
