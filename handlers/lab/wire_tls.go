package lab

import (
	"bytes"
	"fmt"
	"strings"

	"glassjar/utl/wire"
)

// recordView is a TLS record in hex. Name is the server's name in it, between Before and
// After.
type recordView struct{ Title, Before, Name, After string }

// recordTitles say what a record contains, by [wire.Record.Name].
var recordTitles = map[string]string{
	"hello":            "hello",
	"empty":            "nothing, a habit of older versions",
	"settings":         "settings, encrypted",
	"certificate":      "certificate, encrypted",
	"proof of its key": "proof of its key, encrypted",
	"finished":         "finished, encrypted",
	"request":          "your request, encrypted",
}

func newRecordView(n int, r wire.Record) recordView {
	way := "From the server"
	if r.FromClient {
		way = "To the server"
	}
	from, to := r.ServerName()
	l := recordView{
		Title:  fmt.Sprintf("%d. %s: %s, %s", n, way, recordTitles[r.Name], count(len(r.Bytes), "byte", "bytes")),
		Before: fmt.Sprintf("% x", r.Bytes[:from]), Name: fmt.Sprintf("% x", r.Bytes[from:to]), After: fmt.Sprintf("% x", r.Bytes[to:]),
	}
	if to > from {
		l.Title += ". The marked ones are the name “" + string(r.Bytes[from:to]) + "”"
	}
	return l
}

// overTLS returns what a listener reads of the message over TLS. It searches the records
// for the secret, in plain text and as the form encodes it, or, without a secret, for the
// request line.
func overTLS(records []wire.Record, m *message, secret string) listenerView {
	var l listenerView
	for i, r := range records {
		l.Records = append(l.Records, newRecordView(i+1, r))
	}
	what, sought := "the secret", []string{secret, m.secret}
	if secret == "" {
		what, sought = "your request", []string{m.pieces[0].Text}
	}
	named, other := found(records, sought)
	l.Bad = named || other
	switch {
	case named:
		l.Title, l.Why = "Found: in the server's name", []string{"The name goes out before anything is encrypted. What you ask for there does not."}
	case other:
		l.Title, l.Why = "Found, by chance", []string{"Text as short as this turns up in any random bytes. Try one of at least 8 characters."}
	default:
		l.Title = "Not found: " + what + " is in none of " + count(total(records), "byte", "bytes")
		l.Why = []string{"They went through a real TLS 1.3 connection, made for this page."}
	}
	return l
}

// found reports whether one of the texts is in the server's name, and whether one is
// anywhere else in the records.
func found(records []wire.Record, sought []string) (named, other bool) {
	for _, r := range records {
		from, to := r.ServerName()
		for _, text := range sought {
			if text == "" {
				continue
			}
			named = named || bytes.Contains(r.Bytes[from:to], []byte(text))
			other = other || bytes.Contains(r.Bytes[:from], []byte(text)) || bytes.Contains(r.Bytes[to:], []byte(text))
		}
	}
	return named, other
}

func total(records []wire.Record) (n int) {
	for _, r := range records {
		n += len(r.Bytes)
	}
	return n
}

// serverName returns the server's name, which everybody on the network can read.
func serverName(records []wire.Record) string {
	if from, to := records[0].ServerName(); to > from {
		return string(records[0].Bytes[from:to])
	}
	return "none: you asked for an address"
}

// requestLength says how many bytes the request has.
func requestLength(records []wire.Record, m *message) string {
	n := 0
	for _, r := range records {
		if r.Name == "request" {
			n += len(r.Bytes)
		}
	}
	return strings.Join([]string{count(n, "byte", "bytes"), thousands(m.size) + " of them yours"}, ", ")
}
