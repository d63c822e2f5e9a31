package email_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/textproto"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A delivery is a mail that the server has accepted.
type delivery struct {
	encrypted bool
	login     string // such as "PLAIN \x00user\x00password"
	from      string
	to        []string
	content   string
}

// A mailServer is an SMTP server on loopback. The exported fields are set before it starts.
type mailServer struct {
	Implicit   bool              // TLS from the start
	NoSTARTTLS bool              // not offered
	Auth       string            // mechanisms; default "PLAIN LOGIN"
	Names      []string          // in the certificate; default localhost
	Replies    map[string]string // instead of the usual ones, by verb; CONNECT is the greeting, CONTENT the end of DATA
	Hang       string            // the verb that gets no reply
	Drop       string            // the verb after which the connection is closed

	addr  string
	roots *x509.CertPool
	tls   *tls.Config

	mu         sync.Mutex
	deliveries []delivery
	verbs      []string // of all connections
	conns      map[net.Conn]bool
	served     sync.WaitGroup
}

// start starts the server, and stops it at the end of the test.
func (s *mailServer) start(t testing.TB) *mailServer {
	t.Helper()
	s.tls, s.roots = certificate(t, s.Names)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr, s.conns = l.Addr().String(), make(map[net.Conn]bool)
	s.served.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns[conn] = true
			s.mu.Unlock()
			s.served.Go(func() {
				defer conn.Close()
				s.serve(conn)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		s.mu.Lock()
		for conn := range s.conns {
			conn.Close()
		}
		s.mu.Unlock()
		s.served.Wait()
	})
	return s
}

func (s *mailServer) accepted() []delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]delivery(nil), s.deliveries...)
}

func (s *mailServer) received() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.verbs, " ")
}

// A conversation is one connection.
type conversation struct {
	*mailServer
	conn net.Conn
	r    *textproto.Reader
	mail delivery
}

func (s *mailServer) serve(conn net.Conn) {
	c := &conversation{mailServer: s}
	c.use(conn)
	if s.Implicit {
		c.encrypt()
	}
	if !c.reply("CONNECT", "220 mail.example.com ESMTP") {
		return
	}
	for {
		line, err := c.r.ReadLine()
		if err != nil {
			return
		}
		verb, argument, _ := strings.Cut(line, " ")
		s.mu.Lock()
		s.verbs = append(s.verbs, verb)
		s.mu.Unlock()
		if !c.handle(strings.ToUpper(verb), argument) {
			return
		}
	}
}

func (c *conversation) use(conn net.Conn) {
	c.conn, c.r = conn, textproto.NewReader(bufio.NewReader(conn))
}

func (c *conversation) encrypt() {
	c.use(tls.Server(c.conn, c.tls))
	c.mail.encrypted = true
}

// reply sends the reply for a verb, and reports whether the conversation goes on.
func (c *conversation) reply(verb, usual string) bool {
	switch {
	case c.Hang == verb:
		io.Copy(io.Discard, c.conn) // until the client closes
		return false
	case c.Drop == verb:
		return false
	}
	text, replaced := c.Replies[verb]
	if !replaced {
		text = usual
	}
	_, err := io.WriteString(c.conn, text+"\r\n")
	closes := strings.HasPrefix(text, "421") || verb == "CONNECT" && replaced
	return err == nil && !closes
}

// ok reports whether the reply for a verb is a success.
func (c *conversation) ok(verb string) bool {
	text, replaced := c.Replies[verb]
	return !replaced || text[0] < '4'
}

func (c *conversation) handle(verb, argument string) bool {
	switch verb {
	case "EHLO":
		return c.reply(verb, c.extensions())
	case "STARTTLS":
		if !c.reply(verb, "220 go ahead") {
			return false
		}
		c.encrypt()
	case "AUTH":
		return c.login(argument)
	case "MAIL":
		c.mail.from, c.mail.to = argument, nil
		return c.reply(verb, "250 2.1.0 ok")
	case "RCPT":
		c.mail.to = append(c.mail.to, argument)
		if strings.Contains(argument, "gone@") {
			return c.reply("GONE", "550 5.1.1 <gone@example.com>: no such user")
		}
		return c.reply(verb, "250 2.1.5 ok")
	case "DATA":
		return c.data()
	case "QUIT":
		c.reply(verb, "221 bye")
		return false
	default:
		return c.reply(verb, "250 ok")
	}
	return true
}

func (c *conversation) extensions() string {
	auth := c.Auth
	if auth == "" {
		auth = "PLAIN LOGIN"
	}
	lines := "250-mail.example.com\r\n250-ENHANCEDSTATUSCODES\r\n250-SMTPUTF8\r\n"
	if !c.NoSTARTTLS && !c.mail.encrypted {
		lines += "250-STARTTLS\r\n"
	}
	return lines + "250 AUTH " + auth
}

// login accepts every password, unless Replies says otherwise.
func (c *conversation) login(argument string) bool {
	mechanism, initial, _ := strings.Cut(argument, " ")
	c.mail.login = mechanism + " " + decode(initial)
	if mechanism == "LOGIN" {
		for _, ask := range []string{"VXNlcm5hbWU6", "UGFzc3dvcmQ6"} {
			fmt.Fprintf(c.conn, "334 %s\r\n", ask)
			line, err := c.r.ReadLine()
			if err != nil {
				return false
			}
			c.mail.login += decode(line) + " "
		}
	}
	return c.reply("AUTH", "235 2.7.0 ok")
}

func (c *conversation) data() bool {
	if !c.reply("DATA", "354 go on") {
		return false
	}
	if !c.ok("DATA") {
		return true
	}
	if c.Drop == "MIDDLE" {
		c.r.ReadLine()
		return false
	}
	content, err := io.ReadAll(c.r.DotReader())
	if err != nil {
		return false
	}
	if c.ok("CONTENT") { // accepted before the reply, which may get lost
		c.mu.Lock()
		accepted := c.mail
		accepted.content = string(content)
		c.deliveries = append(c.deliveries, accepted)
		c.mu.Unlock()
	}
	return c.reply("CONTENT", "250 2.0.0 queued")
}

// certificate returns the configuration of a server with a certificate for these names, and
// the authority that has issued it.
func certificate(t testing.TB, names []string) (*tls.Config, *x509.CertPool) {
	t.Helper()
	if names == nil {
		names = []string{"localhost"}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: names, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, roots
}
