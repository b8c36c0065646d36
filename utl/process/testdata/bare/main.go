// Command bare is the floor under any server in Go: net/http with main.go's
// limits, one handler, and answers that lie ready. It keeps no log.
package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

// page is an answer, as the file that args name has it, by path and query.
type page struct {
	Status int
	Header http.Header
	Body   []byte
	fields []field
}

// field is a header. A list of them is quicker to walk than a map.
type field struct {
	name   string
	values []string
}

func main() {
	if err := serve(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var pages map[string]*page
	if err := json.Unmarshal(text, &pages); err != nil {
		return err
	}
	for _, p := range pages {
		for name, values := range p.Header {
			p.fields = append(p.fields, field{name, values})
		}
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("glassjar is at http://%s\n", ln.Addr()) // as glassjar says it: both are started alike
	srv := &http.Server{
		Handler:           handler(pages),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       20 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       90 * time.Second,
		MaxHeaderBytes:    16<<10 - 4096,

		DisableGeneralOptionsHandler: true,
	}
	return srv.Serve(ln)
}

func handler(pages map[string]*page) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		p := pages[r.RequestURI]
		if p == nil {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		header := w.Header()
		for _, f := range p.fields {
			header[f.name] = f.values
		}
		w.WriteHeader(p.Status)
		_, _ = w.Write(p.Body)
	}
}
