package wire_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"glassjar/utl/wire"
)

const (
	secret  = "meet me at midnight"
	request = "POST /lab/wire HTTP/1.1\r\nHost: jar.example\r\nCookie: lab=MTc5NTM5Njc1NXxleUp5\r\n\r\nsecret=" + secret
)

// names returns the names of the records: > is from the client, < from the server.
func names(records []wire.Record) string {
	var all []string
	for _, r := range records {
		way := "<"
		if r.FromClient {
			way = ">"
		}
		all = append(all, way+r.Name)
	}
	return strings.Join(all, " ")
}

// whole returns the bytes of all records, in both directions.
func whole(records []wire.Record) []byte {
	var all []byte
	for _, r := range records {
		all = append(all, r.Bytes...)
	}
	return all
}

func TestWhatPassesIsTLSRecords(t *testing.T) {
	records, err := wire.New().Send(t.Context(), "jar.example", []byte(request))
	if err != nil {
		t.Fatal(err)
	}
	const want = ">hello <hello <empty <settings <certificate <proof of its key <finished >empty >finished >request"
	if got := names(records); got != want {
		t.Errorf("what passed is\n%s, want\n%s", got, want)
	}
	kinds := map[string]byte{"hello": 22, "empty": 20}
	for _, r := range records {
		kind, known := kinds[r.Name]
		if !known {
			kind = 23
		}
		if size := int(r.Bytes[3])<<8 + int(r.Bytes[4]); r.Bytes[0] != kind || r.Bytes[1] != 3 || size != len(r.Bytes)-5 {
			t.Errorf("%s: the header is % x, of %d bytes", r.Name, r.Bytes[:5], len(r.Bytes))
		}
	}
	if hello := records[0].Bytes; !bytes.Contains(hello, []byte{0, 0x2b, 0, 3, 2, 3, 4}) { // supported_versions (RFC 8446, section 4.2.1)
		t.Errorf("the hello offers something besides TLS 1.3: % x", hello)
	}
}

// The connection transmits the request once, encrypted, and in no other form.
func TestWhatPassesTellsNothingOfTheRequest(t *testing.T) {
	var keys bytes.Buffer
	records, err := wire.SendLogged(t.Context(), "jar.example", []byte(request), &keys)
	if err != nil {
		t.Fatal(err)
	}
	if got := decrypted(t, records, keys.String()); got != request {
		t.Errorf("with its keys the connection says %q, want %q", got, request)
	}
	passed := whole(records)
	for _, said := range []string{secret, "POST /lab/wire", "MTc5NTM5Njc1NXxleUp5"} {
		for way, text := range map[string]string{
			"as it is": said, "in hex": hex.EncodeToString([]byte(said)), "in HEX": strings.ToUpper(hex.EncodeToString([]byte(said))),
			"in base64": base64.RawStdEncoding.EncodeToString([]byte(said)), "encoded for a form": strings.ReplaceAll(said, " ", "+"),
		} {
			if bytes.Contains(passed, []byte(text)) {
				t.Errorf("%q passed %s", said, way)
			}
		}
	}
	if n := bytes.Count(passed, []byte("jar.example")); n != 1 { // the certificate has it too, encrypted
		t.Errorf("the server's name passed %d times, want once, in the hello", n)
	}
}

func TestServerName(t *testing.T) {
	long := strings.Repeat("a234567890123456789012345678901234567890123456789.", 5) + "abc"
	for name, want := range map[string]string{
		"jar.example": "jar.example", "a": "a", "xn--jr-xka.example": "xn--jr-xka.example", "localhost": "localhost", "a_b": "a_b", "jar.example.": "jar.example",
		long: long, "127.0.0.1": "", "::1": "", "": "", long + "d": "", "a b": "", "<script>": "", "\xff": "", "jär.example": "", "a\x00b": "",
	} {
		records, err := wire.New().Send(t.Context(), name, []byte(request))
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		from, to := records[0].ServerName()
		if got := string(records[0].Bytes[from:to]); got != want {
			t.Errorf("%q: the hello names %q, want %q", name, got, want)
		}
		for _, r := range records[1:] {
			if from, to := r.ServerName(); from != to {
				t.Errorf("%q: a %s names a server", name, r.Name)
			}
		}
	}
}

// A record that is truncated or malformed has no server name.
func TestServerNameOfAnything(t *testing.T) {
	records, err := wire.New().Send(t.Context(), "jar.example", nil)
	if err != nil {
		t.Fatal(err)
	}
	hello := records[0].Bytes
	for n := range len(hello) {
		if from, to := (wire.Record{Bytes: hello[:n]}).ServerName(); from != to {
			t.Errorf("of %d bytes, %d:%d are a name", n, from, to)
		}
	}
}

func TestLargeRequests(t *testing.T) {
	for size, want := range map[int]error{0: nil, 1: nil, wire.MaxRequest: nil, wire.MaxRequest + 1: wire.ErrSize} {
		records, err := wire.New().Send(t.Context(), "jar.example", make([]byte, size))
		if !errors.Is(err, want) {
			t.Errorf("%d bytes: got %v, want %v", size, err, want)
		}
		if sent := len(whole(records)); err == nil && (sent < size || sent > size+2000) {
			t.Errorf("%d bytes are %d on the wire", size, sent)
		}
	}
}

// Attack http/limits: at most four handshakes run at once. Whoever waits longer than three
// seconds gets an error.
func TestOnlySoManyAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := wire.New()
		release := s.TakeAllSlots()
		if _, err := s.Send(t.Context(), "jar.example", nil); !errors.Is(err, wire.ErrBusy) {
			t.Errorf("got %v, want ErrBusy", err)
		}
		release()
		if _, err := s.Send(t.Context(), "jar.example", nil); err != nil {
			t.Error(err)
		}
	})
}

func TestManyAtOnce(t *testing.T) {
	s := wire.New()
	var all sync.WaitGroup
	for range 40 {
		all.Go(func() {
			if _, err := s.Send(t.Context(), "jar.example", []byte(request)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// A request that is cancelled ends the work.
func TestGivenUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := wire.SendLogged(ctx, "jar.example", []byte(request), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
