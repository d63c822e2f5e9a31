package sqscall_test

import (
	"maps"
	"slices"
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

func TestBatchesKeepTheLimitsOfSQS(t *testing.T) {
	const half = sqscall.MaxSize / 2
	size := func(n int) int { return n }
	for name, test := range map[string]struct {
		items []int
		size  func(int) int
		want  []int // lengths
	}{
		"none":         {nil, size, nil},
		"small":        {make([]int, 23), size, []int{10, 10, 3}},
		"without size": {make([]int, 11), nil, []int{10, 1}},
		"full":         {[]int{half, half, 1}, size, []int{2, 1}},
		"too large":    {[]int{1, 3 * half, 1, 1}, size, []int{1, 1, 2}},
	} {
		var got []int
		var items []int
		for batch := range sqscall.Batches(test.items, test.size) {
			got, items = append(got, len(batch)), append(items, batch...)
		}
		if !slices.Equal(got, test.want) || !slices.Equal(items, test.items) {
			t.Errorf("%s: batches of %d, want %d", name, got, test.want)
		}
	}
}
