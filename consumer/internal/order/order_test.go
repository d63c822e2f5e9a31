package order_test

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"wildix-worker/consumer/internal/order"
)

var never time.Time

// enter adds items, which must wait.
func enter(t *testing.T, l *order.Line[int], key string, items ...int) {
	t.Helper()
	for _, item := range items {
		if l.Enter(key, never, item) {
			t.Fatalf("item %d of %s does not wait", item, key)
		}
	}
}

// drained returns the waiting items of the key, in the order in which they may start.
func drained(l *order.Line[int], key string) (items []int) {
	for {
		item, ok := l.Next(key)
		if !ok {
			return items
		}
		items = append(items, item)
	}
}

func TestOneItemOfAKeyStartsAtATime(t *testing.T) {
	var l order.Line[int]
	for _, key := range []string{"a", "b"} {
		if !l.Enter(key, never, 0) {
			t.Errorf("the first item of %s waits", key)
		}
	}
	enter(t, &l, "a", 1, 2)
	enter(t, &l, "b", 3)
	if got := drained(&l, "a"); !slices.Equal(got, []int{1, 2}) {
		t.Errorf("the next item of a is %v", got)
	}
	if !l.Enter("a", never, 4) {
		t.Error("an item waits, though none of its key has started")
	}
	if got := drained(&l, "b"); !slices.Equal(got, []int{3}) {
		t.Errorf("the next item of b is %v", got)
	}
}

func TestItemsWithoutAKeyDoNotWait(t *testing.T) {
	var l order.Line[int]
	for i := range 3 {
		if !l.Enter("", never, i) {
			t.Errorf("item %d waits", i)
		}
	}
	if item, ok := l.Next(""); ok {
		t.Errorf("item %d has waited", item)
	}
	if items := l.Clear(""); len(items) > 0 {
		t.Errorf("items %v have waited", items)
	}
}

func TestItemsWaitInTheOrderOfTheirTimes(t *testing.T) {
	var l order.Line[int]
	at := func(second int64) time.Time { return time.Unix(second, 0) }
	l.Enter("a", at(9), 0) // has started, so its time does not matter
	for i, second := range []int64{5, 3, 5, 4, 3} {
		l.Enter("a", at(second), i)
	}
	if got := drained(&l, "a"); !slices.Equal(got, []int{1, 4, 3, 0, 2}) {
		t.Errorf("the order is %v", got)
	}
}

func TestClearReturnsAllWaitingItems(t *testing.T) {
	var l order.Line[int]
	l.Enter("a", never, 0)
	enter(t, &l, "a", 1, 2, 3)
	if item, ok := l.Next("a"); !ok || item != 1 {
		t.Fatalf("next is %d, %v", item, ok)
	}
	if got := l.Clear("a"); !slices.Equal(got, []int{2, 3}) {
		t.Errorf("%v waited", got)
	}
	if got := l.Clear("a"); len(got) > 0 {
		t.Errorf("%v waited after all were cleared", got)
	}
	if !l.Enter("a", never, 4) {
		t.Error("an item waits, though the key was cleared")
	}
}

func TestConcurrentItemsOfAKeyNeverOverlap(t *testing.T) {
	var l order.Line[int]
	var running, done atomic.Int32
	var workers sync.WaitGroup
	run := func() {
		for ok := true; ok; _, ok = l.Next("a") {
			if running.Add(1) > 1 {
				t.Error("two items have started")
			}
			running.Add(-1)
			done.Add(1)
		}
	}
	for i := range 200 {
		workers.Go(func() {
			if l.Enter("a", never, i) {
				run()
			}
		})
	}
	workers.Wait()
	if n := done.Load(); n != 200 {
		t.Errorf("%d of 200 items have started", n)
	}
}

// An item may be a message of a megabyte.
func TestFinishedItemsAreNotKeptAlive(t *testing.T) {
	var l order.Line[*[1 << 20]byte]
	l.Enter("a", never, nil)
	collected := make(chan struct{}, 3)
	for range 3 {
		item := new([1 << 20]byte)
		runtime.AddCleanup(item, func(int) { collected <- struct{}{} }, 0)
		l.Enter("a", never, item)
	}
	l.Next("a")
	l.Next("a")
	for range 100 { // clean-ups run some time after a collection
		runtime.GC()
		if len(collected) == 2 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if n := len(collected); n != 2 {
		t.Errorf("%d of 2 finished items were freed", n)
	}
	if _, ok := l.Next("a"); !ok {
		t.Error("the last item does not wait")
	}
}
