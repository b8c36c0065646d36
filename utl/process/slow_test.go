package process

import (
	"net/http"
	"testing"
	"time"
)

// Attack http/slow: slow headers and slow bodies. 200 connections that send a byte now
// and then do not affect other people.
func TestSlowConnections(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	p.owner("ada")
	ada := signedIn(t, p, "ada")
	begun := []string{
		"GET / HTTP/1.1\r\n" + here + "X-A: ",
		post + "Content-Length: 60000\r\n\r\nusername=",
		"GET",
		post + "Transfer-Encoding: chunked\r\n\r\nf000\r\nusername=",
	}
	slow := make([]*conn, 200)
	for i := range slow {
		slow[i] = dial(t, p)
		slow[i].send(begun[i%len(begun)])
	}
	drip := time.NewTicker(10 * time.Millisecond)
	defer drip.Stop()
	worst := time.Duration(0)
	for i := range 150 {
		<-drip.C
		for _, c := range slow[i%10*20:][:20] {
			c.send("a")
		}
		worst = max(worst, ada.get(t, quiet, http.StatusOK).took)
		wire.CloseIdleConnections() // people use new connections
	}
	newBrowser(p).signIn(t, "ada", good, http.StatusSeeOther)
	t.Logf("200 connections dripping: 150 pages answered, the slowest after %v", worst.Round(time.Millisecond))
	if worst > time.Second {
		t.Errorf("a page took %v", worst)
	}
	for _, c := range slow { // the server has not disconnected them yet
		if err := c.tcp.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		if a, err := c.answer(); err == nil && a.status < 400 {
			t.Errorf("half a request was answered with %d", a.status)
		}
		_ = c.tcp.Close()
	}
	p.stop()
}
