package template

import (
	"cmp"
	"errors"
	"reflect"
)

var errIncompatible = errors.New("incompatible types for comparison")

// equal reports whether a value equals one of the others.
func (r *run) equal(a any, others ...any) (bool, error) {
	if len(others) == 0 {
		return false, errors.New("one value to compare, want two or more")
	}
	for _, b := range others {
		order, err := r.order(a, b)
		if err != nil {
			return false, err
		}
		if order == 0 {
			return true, nil
		}
	}
	return false, nil
}

func (r *run) notEqual(a, b any) (bool, error) {
	equal, err := r.equal(a, b)
	return !equal, err
}

func (r *run) compare(a, b any, is func(order int) bool) (bool, error) {
	if _, ok := a.(bool); ok || a == nil {
		return false, errIncompatible
	}
	order, err := r.order(a, b)
	return is(order), err
}

// order compares two texts, numbers or booleans, of which only equality has a meaning.
func (r *run) order(a, b any) (int, error) {
	if a == nil || b == nil {
		return cmp.Compare(truth(a == nil), truth(b == nil)), r.step()
	}
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	switch {
	case x.Kind() == reflect.String && y.Kind() == reflect.String:
		return cmp.Compare(x.String(), y.String()), r.spend(min(x.Len(), y.Len()))
	case x.CanInt() && y.CanInt():
		return cmp.Compare(x.Int(), y.Int()), r.step()
	case isNumber(x) && isNumber(y):
		return cmp.Compare(float(x), float(y)), r.step()
	case x.Kind() == reflect.Bool && y.Kind() == reflect.Bool:
		return cmp.Compare(truth(x.Bool()), truth(y.Bool())), r.step()
	default:
		return 0, errIncompatible
	}
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

func isNumber(v reflect.Value) bool { return v.CanInt() || v.CanUint() || v.CanFloat() }

func float(v reflect.Value) float64 {
	switch {
	case v.CanInt():
		return float64(v.Int())
	case v.CanUint():
		return float64(v.Uint())
	default:
		return v.Float()
	}
}
