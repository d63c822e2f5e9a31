package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strings"
	"sync"
	"testing"

	"wildix-worker/cmd/wildix-worker/internal/awstest"
)

// A firmMail is an SMTP server on loopback, which refuses connections while it is down.
type firmMail struct {
	f       *firm
	address string

	mu       sync.Mutex
	listener net.Listener // nil while it is down
	conns    map[net.Conn]bool
	arrivals arrivals
	served   sync.WaitGroup
}

func (f *firm) addMail() {
	m := &firmMail{f: f, address: "127.0.0.1:0", conns: make(map[net.Conn]bool), arrivals: make(arrivals)}
	m.up(f.t)
	f.t.Cleanup(m.close)
	f.setenv("MAIL_URL", "smtp://calls@"+m.address+"?tls=off", "MAIL_PASSWORD", "password")
	f.destinations = append(f.destinations, &firmDestination{
		name: "mail", derived: true,
		wants: func(c *firmCall, _ string) bool {
			return c.missed() && c.direction == "inbound" && c.queue == "Support"
		},
		received: m.received, down: m.down, up: m.up, settle: m.settle,
	})
}

func (m *firmMail) up(t *testing.T) {
	l, err := net.Listen("tcp", m.address)
	awstest.Fatal(t, err)
	m.address = l.Addr().String()
	m.mu.Lock()
	m.listener = l
	m.mu.Unlock()
	m.served.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			m.mu.Lock()
			m.conns[conn] = true
			m.mu.Unlock()
			m.served.Go(func() {
				defer conn.Close()
				m.serve(textproto.NewConn(conn))
			})
		}
	})
}

func (m *firmMail) down(*testing.T) { m.close() }

// close ends the conversations, and waits for the server.
func (m *firmMail) close() {
	m.mu.Lock()
	if m.listener != nil {
		m.listener.Close()
	}
	m.listener = nil
	for conn := range m.conns {
		conn.Close()
	}
	clear(m.conns)
	m.mu.Unlock()
	m.served.Wait()
}

func (m *firmMail) settle(t *testing.T) {
	m.mu.Lock()
	isUp := m.listener != nil
	m.mu.Unlock()
	if m.close(); isUp {
		m.up(t)
	}
}

func (m *firmMail) received(*testing.T) arrivals {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.arrivals.clone()
}

// serve talks to a client until it is gone.
func (m *firmMail) serve(c *textproto.Conn) {
	c.PrintfLine("220 mail.example.com ESMTP")
	for {
		line, err := c.ReadLine()
		if err != nil {
			return
		}
		reply := "250 ok"
		switch verb, _, _ := strings.Cut(strings.ToUpper(line), " "); verb {
		case "EHLO":
			reply = "250-mail.example.com\r\n250 AUTH PLAIN"
		case "AUTH":
			reply = "235 ok"
		case "DATA":
			c.PrintfLine("354 go on")
			content, err := io.ReadAll(c.DotReader())
			if err != nil {
				return
			}
			m.accept(string(content))
		}
		if c.PrintfLine("%s", reply) != nil {
			return
		}
	}
}

func (m *firmMail) accept(content string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	subject := ""
	for scanner := bufio.NewScanner(strings.NewReader(content)); scanner.Scan() && scanner.Text() != ""; {
		if text, ok := strings.CutPrefix(scanner.Text(), "Subject: "); ok {
			subject = text
		}
	}
	name := personName.FindString(subject)
	if subject != fmt.Sprintf("Missed call from %s", name) {
		m.f.t.Errorf("a mail with the subject %q", subject)
	}
	m.arrivals[name] = append(m.arrivals[name], m.f.thisLife())
}
