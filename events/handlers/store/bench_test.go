package store

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"wildix-worker/events"
)

// BenchmarkHandleEvent measures saturation: 64 or 256 events at once, of calls with
// four events each.
func BenchmarkHandleEvent(b *testing.B) {
	for _, kind := range []struct {
		name string
		make func(testing.TB) *database
	}{{"sqlite", newSQLite}, {"postgres", newPostgres}} {
		for _, concurrent := range []int{64, 256} {
			b.Run(fmt.Sprintf("%s/%d", kind.name, concurrent), func(b *testing.B) {
				s := kind.make(b).open(b)
				all := make([]*events.Event, b.N)
				for i := range all {
					all[i] = benchEvent(b, i)
				}
				var next atomic.Int64
				var workers sync.WaitGroup
				b.ReportAllocs()
				b.ResetTimer()
				for range concurrent {
					workers.Go(func() {
						for i := next.Add(1) - 1; i < int64(b.N); i = next.Add(1) - 1 {
							if err := s.HandleEvent(context.Background(), all[i]); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				workers.Wait()
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
			})
		}
	}
}

// benchEvent returns an event of one of 100 calls, as large as usual events are.
func benchEvent(b *testing.B, i int) *events.Event {
	step := i / 100 % 4
	return decode(b, fmt.Sprintf(`{"id":"it_w118741_1693389850.%d","pbx":"221100001bab","time":%d,"company":"it_w118741","type":%q,"integrationId":"8qkmnq",
		"data":{"status":%q,"caller":{"type":"REMOTE","phone":"+12025550123","name":"Ada Example","company":null,"email":null,"userId":null,"userExtension":null,
		"userDepartment":null,"groupId":null,"groupName":null,"userAgent":null,"userDevice":null},"callee":{"type":"LOCAL","phone":"201","name":"Sales",
		"company":null,"email":"sales@example.com","userId":"5753746","userExtension":"201","userDepartment":"Sales","groupId":"874629312","groupName":"Default",
		"userAgent":"Desk phone 2.1","userDevice":"DESKPHONE"},"service":null,"destination":"201","trunkName":"Main trunk","queueName":"Support","queueId":"42",
		"tags":[],"flags":[],"endCause":"16","endCauseStr":"Normal Clearing","endBy":"CALLER"}}`,
		i/400*100+i%100, 1693389850810+int64(i),
		[]string{events.CallStart, events.CallUpdate, events.CallUpdate, events.CallEnd}[step],
		[]string{"CONNECTING", "RINGING", "TALKING", "TALKING"}[step]))
}

func decode(t testing.TB, body string) *events.Event {
	t.Helper()
	e, err := events.Decode([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return e
}
