package calls

import "container/list"

// A callList has something of each call, in the order in which it was put. The
// zero callList is empty.
type callList[T any] struct {
	byKey map[callKey]*list.Element
	order list.List
}

type callEntry[T any] struct {
	key   callKey
	value T
}

func (l *callList[T]) get(key callKey) (value T, ok bool) {
	element, ok := l.byKey[key]
	if !ok {
		return value, false
	}
	return element.Value.(callEntry[T]).value, true
}

// put makes it the last, and removes the first if there are more than limit.
func (l *callList[T]) put(key callKey, value T, limit int) {
	l.remove(key)
	if l.byKey == nil {
		l.byKey = make(map[callKey]*list.Element)
	}
	l.byKey[key] = l.order.PushBack(callEntry[T]{key, value})
	if l.order.Len() > limit {
		l.remove(l.order.Front().Value.(callEntry[T]).key)
	}
}

func (l *callList[T]) remove(key callKey) {
	if element, ok := l.byKey[key]; ok {
		l.order.Remove(element)
		delete(l.byKey, key)
	}
}

// removeWhile removes from the front what fits.
func (l *callList[T]) removeWhile(fits func(T) bool) {
	for front := l.order.Front(); front != nil && fits(front.Value.(callEntry[T]).value); front = l.order.Front() {
		l.remove(front.Value.(callEntry[T]).key)
	}
}

func (l *callList[T]) all() []T {
	values := make([]T, 0, l.order.Len())
	for element := l.order.Front(); element != nil; element = element.Next() {
		values = append(values, element.Value.(callEntry[T]).value)
	}
	return values
}
