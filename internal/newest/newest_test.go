package newest_test

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"wildix-worker/internal/newest"
)

func TestSetRemembersTheNewestKeysForTheirTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newest.New(3)
		key := newest.KeyOf[string]
		if s.Has(key("none")) {
			t.Error("an empty set has a key")
		}
		s.Add(key("a"), time.Hour)
		s.Add(key("b"), time.Minute)
		s.Add(key("c"), time.Hour)
		s.Add(key("a"), 2*time.Hour) // keeps its age
		time.Sleep(time.Minute)
		if !s.Has(key("a")) || s.Has(key("b")) || !s.Has(key("c")) {
			t.Errorf("after a minute: %t, %t, %t", s.Has(key("a")), s.Has(key("b")), s.Has(key("c")))
		}
		time.Sleep(700 * time.Millisecond)
		s.Add(key("c"), time.Second)
		time.Sleep(999 * time.Millisecond)
		if !s.Has(key("c")) {
			t.Error("forgotten within its time")
		}
		time.Sleep(time.Second)
		if s.Has(key("c")) {
			t.Error("remembered longer than its time, and a second")
		}
		s.Add(key("c"), -time.Hour)
		if s.Has(key("c")) {
			t.Error("remembered, though its time is over")
		}
		s.Add(key("c"), 200*365*24*time.Hour)
		time.Sleep(64 * 365 * 24 * time.Hour)
		s.Add(key("d"), time.Hour)
		if s.Has(key("a")) || !s.Has(key("c")) || !s.Has(key("d")) {
			t.Error("the oldest is not the one that is forgotten")
		}
	})
}

// A model is a list of the newest keys, which is searched from one end to the other.
type model struct {
	limit int
	keys  []newest.Key
}

func (m *model) add(k newest.Key) {
	if m.has(k) {
		return
	}
	m.keys = append(m.keys, k)
	m.keys = m.keys[max(len(m.keys)-m.limit, 0):]
}

func (m *model) has(k newest.Key) bool { return slices.Contains(m.keys, k) }

// Keys whose first slots are the same, and at the end of the table, are in each other's way.
func TestSetIsThatOfItsModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(1, 300).Draw(t, "limit")
		spread := rapid.SampledFrom([]uint64{1, 3, 100, 1 << 60}).Draw(t, "spread")
		mark := rapid.SampledFrom([]uint64{1, 1 << 55}).Draw(t, "mark")
		keys := rapid.Custom(func(t *rapid.T) newest.Key {
			slot := rapid.Uint64Range(0, spread).Draw(t, "slot")
			return newest.Key{slot * (math.MaxUint64 / spread), rapid.Uint64Range(0, 500).Draw(t, "rest") * mark}
		})
		s, m := newest.New(limit), &model{limit: limit}
		n := rapid.IntRange(0, 1000).Draw(t, "n")
		for _, k := range rapid.SliceOfN(keys, n, n).Draw(t, "keys") {
			if s.Has(k) != m.has(k) {
				t.Fatalf("%v: %t", k, s.Has(k))
			}
			s.Add(k, time.Hour)
			m.add(k)
		}
		for _, k := range m.keys {
			if !s.Has(k) {
				t.Fatalf("%v is forgotten", k)
			}
		}
	})
}

func TestKeysOfDifferentValuesDiffer(t *testing.T) {
	type pair struct{ a, b string }
	seen := make(map[newest.Key]string)
	check := func(k newest.Key, what string) {
		if other, ok := seen[k]; ok {
			t.Errorf("%s and %s have the same key", what, other)
		}
		seen[k] = what
	}
	for i := range 1000 {
		check(newest.KeyOf(pair{"example", fmt.Sprint(i)}), fmt.Sprint("pair ", i))
		check(newest.KeyOfBytes(fmt.Appendf(nil, "%01000d", i)), fmt.Sprint("text ", i))
	}
	if newest.KeyOf(pair{"ab", "c"}) == newest.KeyOf(pair{"a", "bc"}) {
		t.Error("where a text ends makes no difference")
	}
	for i := range 10 {
		if text := fmt.Appendf(nil, "%01000d", i); seen[newest.KeyOfBytes(text)] != fmt.Sprint("text ", i) {
			t.Error("the same text has two keys")
		}
	}
}

func TestKeyTakesTwentySevenBytes(t *testing.T) {
	const n = 100_000
	before := liveHeap()
	s := newest.New(n)
	for i := range 3 * n / 2 {
		s.Add(newest.KeyOf(i), time.Hour)
	}
	each := float64(liveHeap()-before) / n
	t.Logf("%.1f bytes a key", each)
	if each > 27 {
		t.Errorf("%.1f bytes a key", each)
	}
	runtime.KeepAlive(s)
}

func liveHeap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func BenchmarkAdd(b *testing.B) {
	s := newest.New(100_000)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		s.Add(newest.KeyOf(i), time.Hour)
	}
}

func BenchmarkKeyOfBytes(b *testing.B) {
	text := make([]byte, 1000)
	b.ReportAllocs()
	for b.Loop() {
		newest.KeyOfBytes(text)
	}
}

func BenchmarkKeyOf(b *testing.B) {
	v := struct{ company, id string }{"example", "it_w118741_1693389850.110"}
	b.ReportAllocs()
	for b.Loop() {
		newest.KeyOf(v)
	}
}
