package console

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"wildix-worker/consumer"
	"wildix-worker/events"
	"wildix-worker/events/route"
	"wildix-worker/signature"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// result returns the result of a message with an event about a call.
func result(t testing.TB, id, eventType, data string, outcome events.Outcome, err error) consumer.Result {
	t.Helper()
	e, decodeErr := events.Decode(fmt.Appendf(nil, `{"id":%q,"company":"example","type":%q,"time":%d,"data":%s}`, id, eventType, time.Now().UnixMilli(), data))
	if decodeErr != nil {
		t.Fatal(decodeErr)
	}
	return consumer.Result{Event: e, Outcome: outcome, Err: err, Took: 3 * time.Millisecond, ReceiveCount: 1}
}

const ada = `{"type":"REMOTE","phone":"+12025550100","name":"Ada Example","email":"ada@example.com"}`

// read returns a function that reads the next frame of a stream.
func read(t testing.TB, body io.Reader) func() frame {
	lines := bufio.NewReader(body)
	return func() (f frame) {
		t.Helper()
		line, err := lines.ReadString('\n')
		if err == nil {
			_, err = lines.ReadString('\n')
		}
		text, ok := strings.CutPrefix(line, "data: ")
		if err != nil || !ok {
			t.Fatalf("no frame: %q, %v", line, err)
		}
		if err := json.Unmarshal([]byte(text), &f); err != nil {
			t.Fatal(err)
		}
		return f
	}
}

// run runs a console until the test ends.
func run(t testing.TB, c *Console) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { c.Run(ctx) })
	stop = func() { cancel(); running.Wait() }
	t.Cleanup(stop)
	return stop
}

func unprotected(next http.Handler) http.Handler { return next }

// serve runs a console and a server for it. Like that of the program, the server has
// timeouts, which must not end a stream.
func serve(t testing.TB, c *Console) (url string, stop func()) {
	stop = run(t, c)
	srv := httptest.NewUnstartedServer(c.Handler(unprotected))
	srv.Config.ReadTimeout, srv.Config.WriteTimeout = 50*time.Millisecond, 50*time.Millisecond
	srv.Start()
	t.Cleanup(srv.Close)
	return srv.URL, stop
}

func watch(t testing.TB, url string) func() frame {
	t.Helper()
	resp, err := http.Get(url + "/console/events")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" || resp.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Fatalf("answer %s, %v", resp.Status, resp.Header)
	}
	return read(t, resp.Body)
}

func TestCallsAppearChangeAndEnd(t *testing.T) {
	c := New(Config{})
	c.Observe(result(t, "1", events.CallStart, `{"status":"CONNECTING","destination":"201","caller":`+ada+`}`, events.Handled, nil))
	url, _ := serve(t, c)
	next := watch(t, url)
	f := next()
	want := callRow{Number: 1, Start: f.Calls.Set[0].Start, Caller: partyRow{"A. E.", "***00"}, Callee: partyRow{"", "***01"}, Status: "CONNECTING", Direction: "inbound"}
	if f.Whole == nil || f.Calls.Total != 1 || f.Calls.Set[0] != want || f.State != "receiving" {
		t.Errorf("frame %+v", f)
	}
	c.Observe(result(t, "1", events.CallUpdate, `{"status":"TALKING"}`, events.Handled, nil))
	c.Observe(result(t, "2", events.CallStart, `{"status":"CONNECTING"}`, events.Failed, errors.New("CRM answered 503")))
	f = next()
	if f.Whole != nil || f.Calls.Total != 2 || len(f.Calls.Set) != 2 || f.Calls.Set[0].Status != "TALKING" || len(f.Notes) != 2 {
		t.Errorf("frame %+v", f)
	}
	c.Observe(result(t, "1", events.CallEnd, `{}`, events.Handled, nil))
	f = next()
	if f.Calls.Total != 1 || len(f.Calls.Set) != 0 || fmt.Sprint(f.Calls.Gone) != "[1]" {
		t.Errorf("frame %+v", f)
	}
	if f = next(); len(f.Calls.Set)+len(f.Calls.Gone)+len(f.Notes) != 0 {
		t.Errorf("repeats itself: %+v", f)
	}
}

func TestErrorsAreKeptAndShown(t *testing.T) {
	c := New(Config{})
	c.Observe(consumer.Result{Outcome: events.Rejected, Err: signature.ErrMismatch, ReceiveCount: 2})
	for range 3 * ringSize { // successes must not displace it
		c.Observe(result(t, "1", events.CallUpdate, `{}`, events.Handled, nil))
	}
	url, _ := serve(t, c)
	f := watch(t, url)()
	if n := f.Notes[0]; len(f.Notes) != 1+ringSize || n.Reason != signature.ErrMismatch.Error() || n.Outcome != events.Rejected || n.Receive != 2 {
		t.Errorf("%d notes, the first %+v", len(f.Notes), n)
	}
	if f.Totals[events.Rejected] != 1 || f.Totals[events.Handled] != 3*ringSize {
		t.Errorf("totals %v", f.Totals)
	}
}

// timestamp matches a time in Unix milliseconds.
var timestamp = regexp.MustCompile(`\b1\d{12}\b`)

func TestPersonalDataIsMaskedUnlessSwitchedOff(t *testing.T) {
	failure := errors.New(`store: Ada Example <ada@example.com> called from +12025550100, (0202) 555-0199 or +1 202 555 0198`)
	data := `{"status":"TALKING","destination":"+12025550177","caller":` + ada + `,"queueName":"bob@example.com","callee":{"phone":"12025550166","name":"+12025550155"}}`
	frames := func(cfg Config) string {
		c := New(cfg)
		c.Observe(result(t, "carol@example.com", events.CallStart, data, events.Failed, failure))
		url, _ := serve(t, c)
		resp, err := http.Get(url + "/console/events")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		line, err := bufio.NewReader(resp.Body).ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		return timestamp.ReplaceAllString(line, "TIME") // its digits may look like those of a phone number
	}
	masked := frames(Config{})
	for _, secret := range []string{"Ada", "Example", "ada@", "bob@", "carol@", "2025550", "555", "0199", "0198", "0177", "0166", "0155"} {
		if strings.Contains(masked, secret) {
			t.Errorf("%q in %s", secret, masked)
		}
	}
	shown := frames(Config{Unmasked: true})
	for _, secret := range []string{"Ada Example", "ada@example.com", "bob@example.com", "+12025550100", "12025550166", "(0202) 555-0199"} {
		if !strings.Contains(shown, secret) && !strings.Contains(shown, strings.NewReplacer("<", `\u003c`, ">", `\u003e`).Replace(secret)) {
			t.Errorf("no %q in %s", secret, shown)
		}
	}
}

func TestMaskShortensNamesAndNumbers(t *testing.T) {
	for name, want := range map[string]string{
		"Ada Example": "A. E.", "Prof. Dr. Ada Example": "P. D. A.", "ada": "a.", "": "", "ada@example.com": "***@***",
		"+1 202 555 0100": "***00", "Éva Muster-Test": "É. M.", "王小明": "王.", "<img src=x>": "i. s.", "42": "***",
		"sip:201@pbx.example.com": "***@***", "Ada 2025550100": "A.",
	} {
		if got := masked(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

// Names, numbers and emails are masked in every field, and numbers in every notation.
func TestPersonalDataIsMaskedInUnusualPlaces(t *testing.T) {
	failure := errors.New("+49 (0) 202 / 555 019, +1 202\u00a0555\u00a00101, +1 202–555–0102, 0202 - 555 - 0103, 20.55.50.104, ٢٠٢٥٥٥٠١٠٥, Ada Example")
	for _, data := range []string{
		`{"status":"TALKING","caller":{"phone":"Ada"},"callee":{"phone":"bob@example.com","name":"Ada Example"},"queueName":"+1 202 555 0106"}`,
		`{"status":"+12025550107","caller":{"phone":"sip:ada@pbx.example.com","name":"Ada Example"},"destination":"Ada Example"}`,
		`{"status":"RINGING","caller":{"name":"Ada Example"},"destination":"bob@example.com","queueName":"` + strings.Repeat("x ", maxText/2-5) + `eve.example@example.com"}`,
	} {
		c := New(Config{})
		c.Observe(result(t, "1", events.CallStart, data, events.Failed, failure))
		f := c.frames.next(1, nil)
		sent, err := json.Marshal([]any{f.Calls, f.Notes})
		if err != nil || f.Calls.Total != 1 || len(f.Notes) != 1 {
			t.Fatalf("%s, %v", sent, err)
		}
		for _, secret := range []string{"Ada", "Example", "***le", "***om", "eve", "555", "50.10", "٢٠٢"} {
			if strings.Contains(string(sent), secret) {
				t.Errorf("%q of %s in %s", secret, data, sent)
			}
		}
	}
}

func TestAddressesAreNotMaskedAsPhoneNumbers(t *testing.T) {
	c := New(Config{})
	for text, want := range map[string]string{
		"dial tcp 10.0.12.34:443: connect: connection refused":   "dial tcp 10.0.12.34:443: connect: connection refused",
		"dial tcp [2001:db8::1234:5678]:443: connection refused": "dial tcp [2001:db8::1234:5678]:443: connection refused",
		"+20.55.50.10:5, 20.555.50.10:50, 20.55.50.10":           "***10:5, ***50, ***10",
	} {
		if got := c.frames.mask.reason(&note{reason: text}); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestTextsAreCutAndWithoutControlCharacters(t *testing.T) {
	c := New(Config{Unmasked: true})
	hostile := strings.Repeat("\u202eevil\u2066\x00\u200f\n\u00e9", 100)
	c.Observe(result(t, "1"+strings.Repeat("i", 9999), strings.Repeat("call:x", 9999), `{}`, events.Failed, errors.New(strings.Repeat("why ", 9999))))
	encoded, _ := json.Marshal(hostile)
	c.Observe(result(t, "2", events.CallStart, `{"status":`+string(encoded)+`,"caller":{"name":`+string(encoded)+`}}`, events.Handled, nil))
	url, _ := serve(t, c)
	f := watch(t, url)()
	row := f.Calls.Set[0]
	for _, text := range []string{row.Caller.Name, row.Status, f.Notes[1].Caller.Name, f.Notes[0].Type, f.Notes[0].ID} {
		if len(text) < 50 || len(text) > maxText+3 || strings.ContainsAny(text, "\u202e\u2066\x00\u200f\n") {
			t.Errorf("%q", text)
		}
	}
	if reason := f.Notes[0].Reason; len(reason) < maxReason || len(reason) > maxReason+3 {
		t.Errorf("a reason of %d bytes", len(reason))
	}
}

func TestOnlyNewestCallsAreShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(Config{})
		for i := range maxCalls + 500 {
			c.Observe(result(t, fmt.Sprint(i), events.CallStart, `{"status":"RINGING"}`, events.Handled, nil))
			time.Sleep(time.Millisecond)
		}
		begun := time.Now().Add(-maxRows * time.Millisecond).UnixMilli()
		f := c.frames.next(1, nil)
		if f.Calls.Total != maxCalls || !f.Calls.Full || len(f.Calls.Set) != maxRows || len(c.frames.rows.byCall) != maxRows {
			t.Fatalf("%d calls, full %t, %d shown of %d", f.Calls.Total, f.Calls.Full, len(f.Calls.Set), len(c.frames.rows.byCall))
		}
		for _, row := range f.Calls.Set {
			if row.Start < begun {
				t.Fatalf("a call of %d is shown, those before %d are older", row.Start, begun)
			}
		}
	})
}

func TestHistoryCountsOutcomesAndDurations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h history
		for i := range 100 {
			h.add(time.Now(), events.Handled, time.Duration(i+1)*time.Millisecond)
		}
		h.add(time.Now(), events.Failed, 0)
		time.Sleep(step)
		points := h.since(time.Now(), 2)
		p := points[0]
		if p[1+events.Handled] != 100 || p[1+events.Failed] != 1 || points[1][1+events.Handled] != 0 {
			t.Errorf("points %v", points)
		}
		if half, most := p[1+events.Outcomes], p[2+events.Outcomes]; half < 50*7/8 || half > 50*9/8 || most < 95*7/8 || most > 95*9/8 {
			t.Errorf("half within %v ms, 95 %% within %v ms", half, most)
		}
		time.Sleep(steps * step)
		for _, p := range h.since(time.Now(), steps) {
			if p[1+events.Handled] != 0 {
				t.Errorf("a step older than five minutes is counted: %v", p)
			}
		}
	})
}

func TestNoFramesWithoutWatchers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		c := New(Config{
			Stats:  func() consumer.Stats { asked++; return consumer.Stats{} },
			Depths: func(context.Context) []Depth { return nil },
		})
		stop := run(t, c)
		time.Sleep(time.Minute)
		synctest.Wait()
		if asked != 0 {
			t.Errorf("asked %d times without watchers", asked)
		}
		if err := c.pub.addWatcher(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10*interval + interval/2)
		synctest.Wait()
		if asked != 11 {
			t.Errorf("asked %d times in 10 seconds", asked)
		}
		c.pub.removeWatcher()
		time.Sleep(time.Minute)
		synctest.Wait()
		if asked > 12 {
			t.Errorf("asked %d times after all watchers had left", asked)
		}
		if err := c.pub.addWatcher(); err != nil { // frames are made again
			t.Fatal(err)
		}
		time.Sleep(interval / 2)
		synctest.Wait()
		if frame, _, _, err := c.pub.next(0); err != nil || len(frame) == 0 {
			t.Errorf("frame %q, %v", frame, err)
		}
		stop()
	})
}

func TestSlowDepthsDoNotDelayFrames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		c := New(Config{Depths: func(ctx context.Context) []Depth {
			asked++
			<-ctx.Done()
			return nil
		}})
		stop := run(t, c)
		if err := c.pub.addWatcher(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10*interval + interval/2)
		synctest.Wait()
		if asked != 1 || c.pub.number != 11 {
			t.Errorf("asked %d times, %d frames", asked, c.pub.number)
		}
		stop() // waits for the fetch
		if c.depths.fetching {
			t.Error("still fetching")
		}
	})
}

func TestFrameThatCannotBeEncodedEndsTheStreamOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(Config{Depths: func(context.Context) []Depth { return []Depth{{Messages: math.NaN()}} }})
		stop := run(t, c)
		if err := c.pub.addWatcher(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(interval + interval/2)
		synctest.Wait()
		for _, have := range []uint64{0, 1} {
			if _, _, _, err := c.pub.next(have); err == nil {
				t.Error("a depth that is not a number was sent")
			}
		}
		stop()
	})
}

func TestSlowWatcherGetsAWholeFrame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(Config{})
		stop := run(t, c)
		if err := c.pub.addWatcher(); err != nil {
			t.Fatal(err)
		}
		whole := func(have uint64) (bool, uint64) {
			text, number, _, err := c.pub.next(have)
			var f frame
			if err = errors.Join(err, json.Unmarshal(text, &f)); err != nil {
				t.Fatal(err)
			}
			return f.Whole != nil, number
		}
		synctest.Wait()
		first, number := whole(0)
		time.Sleep(interval)
		synctest.Wait()
		second, number := whole(number)
		time.Sleep(2 * interval)
		synctest.Wait()
		third, _ := whole(number)
		if !first || second || !third {
			t.Errorf("whole: %t, %t, %t", first, second, third)
		}
		stop()
	})
}

func TestWatcherThatDoesNotReadIsDisconnected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(Config{})
		stop := run(t, c)
		for i := range maxRows {
			c.Observe(result(t, fmt.Sprint(i), events.CallStart, `{"status":"RINGING"}`, events.Handled, nil))
		}
		client, server := net.Pipe() // has no buffer
		l := &oneConn{conn: server, closed: make(chan struct{})}
		srv := &http.Server{Handler: c.Handler(unprotected)}
		var serving sync.WaitGroup
		serving.Go(func() { srv.Serve(l) })
		if _, err := io.WriteString(client, "GET /console/events HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if n := watchers(c); n != 1 {
			t.Fatalf("%d watchers", n)
		}
		time.Sleep(writeTimeout + time.Second)
		synctest.Wait()
		if n := watchers(c); n != 0 {
			t.Errorf("%d watchers after %s", n, writeTimeout)
		}
		client.Close()
		srv.Close()
		serving.Wait()
		stop()
	})
}

func watchers(c *Console) int {
	c.pub.mu.Lock()
	defer c.pub.mu.Unlock()
	return c.pub.watchers
}

// A oneConn is a listener that accepts one connection.
type oneConn struct {
	conn   net.Conn
	once   sync.Once
	closed chan struct{}
}

func (l *oneConn) Accept() (conn net.Conn, err error) {
	l.once.Do(func() { conn = l.conn })
	if conn != nil {
		return conn, nil
	}
	<-l.closed
	return nil, net.ErrClosed
}
func (l *oneConn) Close() error   { close(l.closed); return nil }
func (l *oneConn) Addr() net.Addr { return &net.TCPAddr{} }

func TestWatchersAreBounded(t *testing.T) {
	c := New(Config{})
	url, _ := serve(t, c)
	for range maxWatchers {
		watch(t, url)
	}
	resp, err := http.Get(url + "/console/events")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 503 || strings.TrimSpace(string(body)) != errTooMany.Error() {
		t.Errorf("%s: %s, %v", resp.Status, body, err)
	}
}

func TestStopEndsStreams(t *testing.T) {
	c := New(Config{})
	url, stop := serve(t, c)
	resp, err := http.Get(url + "/console/events")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	next := read(t, resp.Body)
	for range 2 { // the server's timeouts must not end the stream
		next()
	}
	stop()
	if _, err := io.ReadAll(resp.Body); err != nil {
		t.Errorf("the stream ended with an error: %v", err)
	}
}

func TestPageAllowsNothingButItself(t *testing.T) {
	h := New(Config{}).Handler(unprotected)
	get := func(path, site string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Header.Set("Sec-Fetch-Site", site)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	for _, a := range assets {
		path := strings.TrimSuffix(a.pattern, "{$}")
		w := get(path, "none")
		head := w.Header()
		if w.Code != 200 || head.Get("Content-Type") != a.contentType || head.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d, %v", path, w.Code, head)
		}
		csp := head.Get("Content-Security-Policy")
		if !strings.HasPrefix(csp, "default-src 'none'; script-src 'self'; style-src 'self';") || strings.Contains(csp, "unsafe") || !strings.Contains(csp, "frame-ancestors 'none'") {
			t.Errorf("%s: policy %s", path, csp)
		}
		for _, inline := range []string{"<style", " style=", " onload=", "javascript:", "http://www.", "https://"} {
			if text := strings.ReplaceAll(w.Body.String(), "http://www.w3.org/2000/svg", ""); strings.Contains(text, inline) {
				t.Errorf("%s has %q in it", path, inline)
			}
		}
	}
	if w := get("/", "cross-site"); w.Code != 200 { // other sites may link to it
		t.Errorf("page: %d", w.Code)
	}
	if w := get("/console/events", "cross-site"); w.Code != 403 {
		t.Errorf("stream for another site: %d", w.Code)
	}
	if w := get("/other", "none"); w.Code != 404 {
		t.Errorf("another path: %d", w.Code)
	}
}

func TestDestinationsAreShownWithTheirLastError(t *testing.T) {
	began := time.Now().Add(-time.Minute)
	f := New(Config{Destinations: func() []route.Stats {
		return []route.Stats{
			{Name: "store", Since: began, Running: 2, Handled: 7},
			{Name: "email", Since: began, Held: 1, LastError: "no route to host", LastFailure: began},
			{Name: "forward", State: route.Down, Since: began, Held: 12, Failed: 9, LastError: "no user +12025550142, ada@example.com", LastFailure: began},
		}
	}}).frames.next(1, nil)
	want := []destinationRow{
		{Name: "store", State: "up", Since: began.UnixMilli(), Running: 2, Handled: 7, Rate: -1},
		{Name: "email", State: "failing", Since: began.UnixMilli(), Held: 1, Rate: -1, Reason: "no route to host", FailedAt: began.UnixMilli()},
		{Name: "forward", State: "down", Since: began.UnixMilli(), Held: 12, Rate: -1, Failed: 9, Reason: "no user ***42, ***@***", FailedAt: began.UnixMilli()},
	}
	if !slices.Equal(f.Destinations, want) {
		t.Errorf("%+v", f.Destinations)
	}
	if f.State != "receiving; email is failing; forward is down" || !f.Trouble {
		t.Errorf("state %q, trouble %t", f.State, f.Trouble)
	}
}

func TestStateReportsTrouble(t *testing.T) {
	for want, cfg := range map[string]Config{
		"receiving":               {},
		"stopping":                {Ready: func() error { return errors.New("stopping") }},
		"consuming":               {Stats: func() consumer.Stats { return consumer.Stats{} }},
		"the queue has not answe": {Stats: func() consumer.Stats { return consumer.Stats{FailingSince: time.Now()} }},
	} {
		state, trouble, _ := New(cfg).frames.state(time.Now())
		if !strings.HasPrefix(state, want) || trouble == (want == "receiving" || want == "consuming") {
			t.Errorf("state %q, trouble %t, want %q", state, trouble, want)
		}
	}
}
