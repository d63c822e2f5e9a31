package sqscall_test

import (
	"maps"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/internal/sqscall"
)

func TestOnlyEntriesThatTheAnswerNamesAreDone(t *testing.T) {
	failed := func(id, code string) types.BatchResultErrorEntry {
		e := types.BatchResultErrorEntry{Id: aws.String(id)}
		if code != "" {
			e.Code = aws.String(code)
		}
		return e
	}
	for name, test := range map[string]struct {
		done   []string
		failed []types.BatchResultErrorEntry
		want   map[string]string
	}{
		"all done":                {[]string{"0", "1"}, nil, nil},
		"all done, out of order":  {[]string{"1", "0"}, nil, nil},
		"one failed":              {[]string{"0"}, []types.BatchResultErrorEntry{failed("1", "InternalError")}, map[string]string{"1": "InternalError"}},
		"one failed without code": {[]string{"0"}, []types.BatchResultErrorEntry{failed("1", "")}, map[string]string{"1": "NoCode"}},
		"one not mentioned":       {[]string{"0"}, nil, map[string]string{"1": "NotInAnswer"}},
		"one twice":               {[]string{"0", "0"}, nil, map[string]string{"1": "NotInAnswer"}},
		"one twice, one failed":   {[]string{"0", "0"}, []types.BatchResultErrorEntry{failed("1", "InternalError")}, map[string]string{"1": "InternalError"}},
		"both done and failed":    {[]string{"0", "1"}, []types.BatchResultErrorEntry{failed("1", "InternalError")}, map[string]string{"1": "InternalError"}},
		"nothing":                 {nil, nil, map[string]string{"0": "NotInAnswer", "1": "NotInAnswer"}},
	} {
		if got := sqscall.Failures(2, aws.StringSlice(test.done), test.failed); !maps.Equal(got, test.want) {
			t.Errorf("%s: failed are %v, want %v", name, got, test.want)
		}
	}
}
